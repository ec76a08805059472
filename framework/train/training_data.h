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
  // `card`: of the run that resumes, or null.
  TrainingData(const Registry& registry, const DataEntry& entry, std::shared_ptr<const DataCard> card)
      : registry_(registry), entry_(entry), card_(std::move(card)) {}

  const std::shared_ptr<const DataSource>& source() {
    if (!source_) source_ = std::make_shared<DataSource>(registry_, entry_, card_.get());
    return source_;
  }
  // The card of the run, or that of the data; null where neither a run nor the data are open.
  std::shared_ptr<const DataCard> card_if_open() const {
    return card_ || !source_ ? card_ : std::make_shared<DataCard>(source_->card());
  }
  // With the hash of the data.
  const std::shared_ptr<const DataCard>& card() {
    if (!card_) {
      auto card = std::make_shared<DataCard>(source()->card());
      card->hash = hash();
      card_ = std::move(card);
    }
    return card_;
  }
  // Of the content or the recipe; computed once, which takes a while for a large data set.
  const std::string& hash() {
    if (hash_.empty()) hash_ = source()->hash();
    return hash_;
  }
  // The hash to compare with that of a checkpoint: the same content may have had another hash when it was written.
  const std::string& hash_beside(const std::string& stored) {
    return stored != hash() && stored == source()->earlier_hash() ? stored : hash();
  }
  // The data set of another session, instead of opening it again.
  void share(const TrainingData& other) {
    source_ = other.source_;
    hash_ = other.hash_;
    card_ = other.card_;
  }

 private:
  const Registry& registry_;
  const DataEntry& entry_;
  std::shared_ptr<const DataSource> source_;
  std::string hash_;
  std::shared_ptr<const DataCard> card_;
};

}  // namespace loom
