// Schedules of noise: x_t = alpha(t) x + sigma(t) e, with e ~ N(0, I), as samplers that iterate invert it.
//   flow    alpha = 1 - t, sigma = t                                      t in [0, 1]   Lipman et al. 2023; Liu et al. 2023
//   cosine  alpha = cos(pi t / 2), sigma = sin(pi t / 2)                  t in [0, 1]   Nichol and Dhariwal 2021
//   linear  ln alpha = -t^2 19.9 / 4 - 0.05 t, sigma = sqrt(1 - alpha^2)  t in [0, 1]   Ho et al. 2020; Song et al. 2021
//   edm     alpha = 1, sigma = t                                          t in [0, inf) Karras et al. 2022
//
// Thread safety: functions of their arguments. Errors: none.
#pragma once

#include <string>
#include <vector>

namespace loom {

struct NoiseLevel {
  double alpha, sigma;
  double alpha_rate, sigma_rate;  // derivatives by t; sigma_rate is not finite where that of sqrt is not
};

struct NoiseSchedule {
  const char* name;
  double last;  // times are in [0, last]; infinite: any time >= 0
  NoiseLevel (*at)(double time);
};

const std::vector<NoiseSchedule>& noise_schedules();
std::vector<std::string> noise_schedule_names();
const NoiseSchedule& noise_schedule(const std::string& name);  // the first one for another name

}  // namespace loom
