// Element-wise and reducing arithmetic on plain float spans, with SIMD chosen at run time (Highway): one binary runs
// at the width of the machine it finds.
//
// Conventions: `n` is a count of elements; an output may be the same memory as an input of the same call, but must not
// overlap it otherwise. Sums are taken in a fixed order that depends on n alone (on one machine), so the same values
// give the same bits. NaN goes through everything. Pointers need no alignment.
//
// Thread safety: pure functions; no call allocates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loom::math {

// --- Functions: y[i] = f(x[i]); accurate to a few units in the last place -------------------------------------------
void exp(const float* x, float* y, std::int64_t n);
void log(const float* x, float* y, std::int64_t n);
void log1p(const float* x, float* y, std::int64_t n);
void sigmoid(const float* x, float* y, std::int64_t n);
void tanh(const float* x, float* y, std::int64_t n);
void softplus(const float* x, float* y, std::int64_t n);  // ln(1 + e^x)
void erf(const float* x, float* y, std::int64_t n);

// --- Linear combinations --------------------------------------------------------------------------------------------
void add(const float* a, const float* b, float* y, std::int64_t n);                              // y = a + b
void multiply(const float* a, const float* b, float* y, std::int64_t n);                         // y = a * b
void multiply_add(const float* a, const float* b, float* y, std::int64_t n);                     // y += a * b
void scale(float factor, const float* x, float* y, std::int64_t n);                              // y = factor * x
void accumulate(float factor, const float* x, float* y, std::int64_t n);                         // y += factor * x
void scaled_difference(float factor, const float* a, const float* b, float* y, std::int64_t n);  // y = factor (a - b)
// y = p a + q b + r c
void combine(float p, const float* a, float q, const float* b, float r, const float* c, float* y, std::int64_t n);
void clamp(float low, float high, const float* x, float* y, std::int64_t n);
// average += (1 - decay) (value - average)
void moving_average(float* average, const float* value, double decay, std::int64_t n);

// --- Sums -----------------------------------------------------------------------------------------------------------
double sum(const float* x, std::int64_t n);
double sum_of_squares(const float* x, std::int64_t n);
double dot(const float* a, const float* b, std::int64_t n);
double squared_distance(const float* a, const float* b, std::int64_t n);
double absolute_distance(const float* a, const float* b, std::int64_t n);
float maximum(const float* x, std::int64_t n);  // n >= 1
bool all_finite(const float* x, std::int64_t n);

// --- Search ---------------------------------------------------------------------------------------------------------
// The lowest index at which x is largest; NaN counts as less than everything. 0 where there is nothing else.
std::int64_t index_of_maximum(const float* x, std::int64_t n);

// --- Activations ----------------------------------------------------------------------------------------------------
enum class Activation {
  identity,
  relu,
  leaky_relu,
  elu,
  gelu,
  gelu_tanh,
  silu,
  tanh,
  sigmoid,
  softplus,
  exp,
  hardtanh,
  softsign,
  mish
};
const std::vector<std::string>& activation_names();  // in the order of the enumeration
Activation activation_of(std::string_view name);     // throws Error(out_of_range)
// True where the derivative follows from the value alone: backward needs no input then.
bool derivative_from_output(Activation function);
// `shape` is the slope of leaky_relu (default 0.01) or the alpha of elu (default 1), and of no meaning elsewhere.
float default_shape(Activation function);
void activate(Activation function, float shape, const float* x, float* y, std::int64_t n);
// diff_x = diff_y f'(x), from the input or (where derivative_from_output) from the output.
void activation_gradient(Activation function, float shape, const float* x, const float* diff_y, float* diff_x,
                         std::int64_t n);
void activation_gradient_from_output(Activation function, float shape, const float* y, const float* diff_y,
                                     float* diff_x, std::int64_t n);

// --- Rows of logits -------------------------------------------------------------------------------------------------
double log_sum_exp(const float* x, std::int64_t n);
void softmax(const float* x, float* y, std::int64_t n);
void log_softmax(const float* x, float* y, std::int64_t n);

// --- Attention ------------------------------------------------------------------------------------------------------
// A row of scores piece by piece: x becomes e^(factor x - maximum), after `maximum` has been raised to that of factor
// x; `sum` is that of all pieces so far. They start as -infinity and 0; factor > 0, n >= 1. Returns e^(old maximum -
// new), by which what was summed up with the weights of earlier pieces has to be multiplied.
float online_softmax(float factor, float* x, std::int64_t n, float& maximum, float& sum);
// x becomes the weights w = e^(factor x - log_sum), and diff, the gradient by w, that by x: factor w (diff - mean).
void attention_gradient(float factor, float log_sum, float mean, float* x, float* diff, std::int64_t n);
// One query of each head against the keys [positions, heads, dim]: scores[h stride + j] = factor query[h] . keys[j, h]
void head_dots(float factor, const float* query, const float* keys, std::int64_t heads, std::int64_t dim,
               std::int64_t positions, float* scores, std::int64_t stride);
// out[h] = sum over j of weights[h stride + j] values[j, h], of values [positions, heads, dim]
void head_sums(const float* weights, std::int64_t stride, const float* values, std::int64_t heads, std::int64_t dim,
               std::int64_t positions, float* out);

// --- Likelihoods and divergences, nats ------------------------------------------------------------------------------
// sum softplus(l) - t l, and d/dl = factor (sigmoid(l) - t)
double bernoulli_nll(const float* logits, const float* target, std::int64_t n);
void bernoulli_nll_gradient(float factor, const float* logits, const float* target, float* diff_logits, std::int64_t n);
// y = factor sign(a - b)
void scaled_sign_difference(float factor, const float* a, const float* b, float* y, std::int64_t n);
// KL(N(mu, e^logvar) || N(0, 1)) = 1/2 (e^logvar + mu^2 - 1 - logvar), summed; each term to per_dimension unless null.
double gaussian_kl(const float* mu, const float* logvar, float* per_dimension, std::int64_t n);
// (factor + diff_per_dimension) times the terms' derivatives; diff_per_dimension, diff_mu and diff_logvar may be null.
void gaussian_kl_gradient(float factor, const float* diff_per_dimension, const float* mu, const float* logvar,
                          float* diff_mu, float* diff_logvar, std::int64_t n);
// z = mu + e^(logvar/2) noise, and its gradients (null: not wanted)
void reparametrise(const float* mu, const float* logvar, const float* noise, float* z, std::int64_t n);
void reparametrise_gradient(const float* diff_z, const float* logvar, const float* noise, float* diff_mu,
                            float* diff_logvar, float* diff_noise, std::int64_t n);
// sum ln N(z; mu, e^logvar) - ln N(z; 0, 1)
double gaussian_log_ratio(const float* mu, const float* logvar, const float* z, std::int64_t n);

// --- Rows of channels: x is [rows, channels] ------------------------------------------------------------------------
// y = x * factor[c] + offset[c]
void affine_rows(const float* x, const float* factor, const float* offset, float* y, std::int64_t rows,
                 std::int64_t channels);
// y = a * p[c] + b * q[c] + r[c]
void combine_rows(const float* a, const float* p, const float* b, const float* q, const float* r, float* y,
                  std::int64_t rows, std::int64_t channels);
// Adds to first[c] the sum over the rows of x - pivot[c], and to second[c] that of its square.
void channel_moments(const float* x, const float* pivot, double* first, double* second, std::int64_t rows,
                     std::int64_t channels);
// Adds to first[c] the sum over the rows of d, and to second[c] that of d * (x - pivot[c]).
void channel_products(const float* d, const float* x, const float* pivot, double* first, double* second,
                      std::int64_t rows, std::int64_t channels);

// --- The gate of PixelCNN and WaveNet: x is [rows, 2 channels]
// --------------------------------------------------------- y [rows, channels] = tanh(a) sigmoid(b), where a, b are the
// halves of a row of x + offset; offset [2 channels] may be null. The two factors go to parts [rows, 2 channels], which
// may be x, unless null.
void gate(const float* x, const float* offset, float* parts, float* y, std::int64_t rows, std::int64_t channels);
void gate_product(const float* parts, float* y, std::int64_t rows, std::int64_t channels);
// diff_x [rows, 2 channels], which may be x, or parts.
void gate_gradient(const float* x, const float* offset, const float* diff_y, float* diff_x, std::int64_t rows,
                   std::int64_t channels);
void gate_gradient_from_parts(const float* parts, const float* diff_y, float* diff_x, std::int64_t rows,
                              std::int64_t channels);

// --- Optimizer updates, as PyTorch's
// ------------------------------------------------------------------------------------ `gradient_factor` multiplies the
// gradient first (clipping by norm). weight_decay adds weight_decay * weight to the gradient, or with `decoupled`
// shrinks the weight by 1 - learning_rate * weight_decay.
struct AdamStep {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double correction1 = 1, correction2 = 1;  // 1 - beta^t for step t = 1, 2, ...
  double weight_decay = 0;
  bool decoupled = false;  // AdamW
  double gradient_factor = 1;
};
void adam_update(float* weight, const float* gradient, float* mean, float* variance, std::int64_t n,
                 const AdamStep& step);
// largest: the largest gradient seen, decayed by beta2; correction2 is not used.
void adamax_update(float* weight, const float* gradient, float* mean, float* largest, std::int64_t n,
                   const AdamStep& step);

struct RmspropStep {
  double learning_rate = 1e-2, alpha = 0.99, epsilon = 1e-8, momentum = 0, weight_decay = 0;
  double gradient_factor = 1;
};
// velocity may be null where momentum is 0; mean is the moving average of the gradient, null where not centered.
void rmsprop_update(float* weight, const float* gradient, float* variance, float* velocity, float* mean, std::int64_t n,
                    const RmspropStep& step);

struct SgdStep {
  double learning_rate = 1e-2, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  bool first = false;  // PyTorch's first step: the velocity becomes the gradient, undampened
  double gradient_factor = 1;
};
// velocity may be null where momentum is 0.
void sgd_update(float* weight, const float* gradient, float* velocity, std::int64_t n, const SgdStep& step);

// The instruction set in use: "AVX3_ZEN4", "AVX2", ... (reported by `version` and `bench`).
std::string simd_target();

}  // namespace loom::math
