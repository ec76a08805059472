// The data set that a session trains on. It is opened when it is first needed, since evaluation alone opens its own.
//
// Ownership: shares the source; refers to the registry and the entry. Thread safety: one thread; share() may run while
// the other object is read. Errors: E4xx of the data set, when it is opened.
#pragma once

#include <memory>
#include <string>

#include "data/source.h"

namespace loom {

class TrainingData {
 public:
  TrainingData(const Registry& registry, const DataEntry& entry) : registry_(registry), entry_(entry) {}

  const std::shared_ptr<const DataSource>& source() {
    if (!source_) source_ = std::make_shared<DataSource>(registry_, entry_);
    return source_;
  }
  // Of the content or the recipe; computed once, which takes a while for a large data set.
  const std::string& hash() {
    if (hash_.empty()) hash_ = source()->hash();
    return hash_;
  }
  // The data set of another session, instead of opening it again.
  void share(const TrainingData& other) {
    source_ = other.source_;
    hash_ = other.hash_;
  }

 private:
  const Registry& registry_;
  const DataEntry& entry_;
  std::shared_ptr<const DataSource> source_;
  std::string hash_;
};

}  // namespace loom
