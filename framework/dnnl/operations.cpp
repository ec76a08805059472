#include "dnnl/operations.h"

#include <map>
#include <mutex>
#include <string>

namespace loom::dnnl::detail {
namespace {

struct Replacements {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const std::any>, std::less<>> factories;
};

Replacements& replacements() {
  static Replacements all;
  return all;
}

}  // namespace

std::shared_ptr<const std::any> replacement(const char* operation) {
  Replacements& all = replacements();
  const std::lock_guard lock(all.mutex);
  const auto it = all.factories.find(operation);
  return it == all.factories.end() ? nullptr : it->second;
}

void set_replacement(const char* operation, std::shared_ptr<const std::any> factory) {
  Replacements& all = replacements();
  const std::lock_guard lock(all.mutex);
  if (factory)
    all.factories[operation] = std::move(factory);
  else
    all.factories.erase(operation);
}

}  // namespace loom::dnnl::detail
