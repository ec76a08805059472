// A plugin that behaves as its bytes say: tests copy the library and write another behaviour over "good". One build
// thus gives every bad plugin that a training must survive.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <loom/node.h>
#include <loom/plugin.h>

namespace {

// Volatile: read at run time, for the compiler must not know what stands here.
volatile const char kBehaviour[] = "ZOO:good                    ";

bool is(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (kBehaviour[4 + i] != name[i]) return false;
  }
  return kBehaviour[4 + name.size()] == ' ';
}

// The squared error, 1/2 (x - target)^2 summed over the event, with a parameter `bias` [C] added to x.  [nats]
class ZooLoss final : public loom::Node {
 public:
  static void declare(loom::Contract& c) {
    if (is("throws-in-declare")) throw std::runtime_error("the zoo throws in declare");
    c.summary("A squared error that behaves as its library's bytes say").role(loom::Role::likelihood);
    c.input("x", "[N, C]", "prediction");
    c.input("target", "[N, C]", "observed values").no_gradient();
    c.parameter("bias", is("changed-shapes") ? "[C, C]" : "[C]", loom::zeros(), "added to x");
    if (is("more-parameters")) c.parameter("scale", "[C]", loom::ones(), "used by nobody");
    if (is("new-port")) c.input("mask", "[N, C]", "a port that no graph has").no_gradient();
    c.output("loss", "[N]", "nats per sample");
  }

  explicit ZooLoss(const loom::Options&) {
    if (is("throws-in-constructor")) throw std::runtime_error("the zoo throws in its constructor");
    if (is("loops-in-constructor")) sleep_for_ever();
    if (is("allocates-for-ever")) allocate_for_ever();
    if (is("exits")) std::_Exit(0);
  }

  void forward(const loom::Forward& f) const override {
    if (is("throws-in-forward")) throw std::runtime_error("the zoo throws in forward");
    if (is("throws-an-int")) throw 7;
    if (is("crashes-in-forward")) ::raise(SIGSEGV);
    if (is("loops-in-forward")) sleep_for_ever();
    const auto x = f.input("x"), target = f.input("target"), bias = f.parameter("bias");
    const float factor = is("other-formula") ? 2.0F : 1.0F;
    for (std::int64_t n = 0; n < f.samples; ++n) {
      double sum = 0;
      for (std::size_t c = 0; c < x[n].size(); ++c) {
        const float difference = x[n][c] + bias.values()[c] - target[n][c];
        sum += 0.5 * difference * difference;
      }
      if (is("not-finite") && f.step > 1000) sum = std::numeric_limits<double>::quiet_NaN();
      f.output("loss").values()[static_cast<std::size_t>(n)] = factor * static_cast<float>(sum);
    }
  }

  void backward(const loom::Backward& b) const override {
    const auto x = b.input("x"), target = b.input("target"), bias = b.parameter("bias");
    const float factor = is("other-formula") ? 2.0F : is("wrong-gradient") ? 1.5F : 1.0F;
    const float factor_x = is("estimates-x") ? 1.5F : 1.0F;  // no difference, like a straight-through gradient
    for (std::int64_t n = 0; n < b.samples; ++n) {
      const float upstream = factor * b.diff_output("loss").values()[static_cast<std::size_t>(n)];
      for (std::size_t c = 0; c < x[n].size(); ++c) {
        const float gradient = upstream * (x[n][c] + bias.values()[c] - target[n][c]);
        if (b.wants_diff("x")) b.diff_input("x")[n][c] = factor_x * gradient;
        if (b.wants_parameter_diff("bias")) b.diff_parameter("bias").values()[c] += gradient;
      }
    }
  }

 private:
  static void sleep_for_ever() {
    for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  static void allocate_for_ever() {
    constexpr std::size_t kBytes = std::size_t{256} << 20, kPage = 4096;
    for (;;) {
      volatile char* block = new char[kBytes];
      for (std::size_t i = 0; i < kBytes; i += kPage) block[i] = 1;
    }
  }
};

// What runs while the library is opened, before anybody can look at it.
const bool loaded = [] {
  if (is("crashes-in-load")) ::raise(SIGSEGV);
  if (is("loops-in-load")) {
    for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}();

}  // namespace

LOOM_NODE(ZooLoss, is("name-clash") ? "linear" : "zoo_loss")
