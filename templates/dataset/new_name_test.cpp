// new.name: the checks of every data set, and items computed by hand.
#include <loom/check.h>
#include <loom/dataset.h>

using namespace loom::check;

namespace {

loom::Options options(int size, const char* split) {
  loom::Options options;
  options.set("size", size);
  options.set("seed", 1);
  options.set("split", split);
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  PluginTest test(argc, argv);
  test.check("new.name");

  // Item 0 of all: one wave from left to right, which starts at 1/2.
  const auto type = test.registry().dataset("new.name");
  const auto all = type->create(options(4, "all"));
  const loom::Tensor x = tensor_of({4, 4, 1}, std::vector<float>(16)), factors = tensor_of({3}, std::vector<int>(3));
  const std::vector<loom::TensorView> out = {x.view(), factors.view()};
  all->read(0, out);
  test.expect_values("item 0", x, {0.5F, 1, 0.5F, 0, 0.5F, 1, 0.5F, 0, 0.5F, 1, 0.5F, 0, 0.5F, 1, 0.5F, 0}, 1e-6);

  const auto train = type->create(options(4, "train")), held_out = type->create(options(4, "test"));
  test.expect(train->size() + held_out->size() == all->size(), "each item is of train or of test");
  test.expect(train->hash() != held_out->hash(), "other items, another hash");
  return test.finish();
}
