#include "testing/standard_registry.h"

#include "plugin/loader.h"

namespace loom::testing {

const Registry& standard_registry() {
  static const std::unique_ptr<Registry> registry = load_standard_registry();
  return *registry;
}

}  // namespace loom::testing
