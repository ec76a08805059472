// What to write in place of the functions of other languages.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace loom::formula {

inline std::string hint_for(std::string_view name) {
  struct Other {
    std::string_view name, hint;
  };
  static constexpr auto kOthers =
      std::to_array<Other>({{"relu", "max(x, 0)"},
                            {"ln", "log(x)"},
                            {"log2", "log(x) / log(2)"},
                            {"log10", "log(x) / log(10)"},
                            {"square", "x^2"},
                            {"sq", "x^2"},
                            {"norm", "sqrt(sum(x^2))"},
                            {"std", "sqrt(var(x))"},
                            {"average", "mean(x)"},
                            {"avg", "mean(x)"},
                            {"clamp", "clip(x, low, high)"},
                            {"minimum", "min(a, b)"},
                            {"maximum", "max(a, b)"},
                            {"amax", "max(x, axis=A)"},
                            {"amin", "min(x, axis=A)"},
                            {"detach", "stop(x)"},
                            {"sg", "stop(x)"},
                            {"stop_gradient", "stop(x)"},
                            {"if", "where(condition, a, b)"},
                            {"select", "where(condition, a, b)"},
                            {"logit", "log(p) - log1p(-p)"},
                            {"tan", "sin(x) / cos(x)"},
                            {"sinh", "(exp(x) - exp(-x)) / 2"},
                            {"cosh", "(exp(x) + exp(-x)) / 2"},
                            {"dot", "sum(a * b)"},
                            {"inner", "sum(a * b)"},
                            {"power", "x ^ p"},
                            {"neg", "-x"},
                            {"ceil", "-floor(-x)"},
                            {"sign", "where(x > 0, 1, where(x < 0, -1, 0))"},
                            {"gamma", "exp(lgamma(x))"},
                            {"erfc", "1 - erf(x)"},
                            {"silu", "x * sigmoid(x)"},
                            {"gelu", "x * (1 + erf(x / sqrt(2))) / 2"},
                            {"logaddexp", "a + softplus(b - a)"},
                            {"rand", "a node that draws, such as standard_normal, connected under in"},
                            {"randn", "a node that draws, such as standard_normal, connected under in"},
                            {"concat", "the node concat"},
                            {"matmul", "the node linear, or multiply and sum"}});
  for (const Other& other : kOthers) {
    if (other.name == name) return std::string(other.hint);
  }
  return "";
}

}  // namespace loom::formula
