#include "check/standard_registry.h"

#include "plugin/loader.h"

namespace loom::check {

const Registry& standard_registry() {
  static const std::unique_ptr<Registry> registry = load_standard_registry();
  return *registry;
}

}  // namespace loom::check
