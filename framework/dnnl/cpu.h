// The processor as oneDNN sees it: pinning a thread to single-threaded execution, and a description for reports.
//
// oneDNN is used strictly single-threaded: the scheduler above it runs many primitives in parallel, one per core. The
// distribution's oneDNN is an OpenMP build, in which the number of threads is a property of the calling thread, both
// when a primitive is created (scratch sizes and blocking depend on it) and when it is executed.
#pragma once

#include <string>

namespace loom::dnnl {

// Makes oneDNN run single-threaded on the calling thread. Cheap after the first call in a thread. Every class
// of this folder calls it before it creates or executes anything, so callers need not. Thread safe.
void pin_this_thread();

// Whether the processor multiplies bf16 (AVX512_BF16 or AMX). Thread safe.
bool has_bf16();
// Whether it does so on the tiles of AMX, which have kernels of their own. Thread safe.
bool has_amx();

// The instruction set that the primitives are made for: "AVX-512 with AMX". Thread safe.
std::string instruction_set();

// What executes the primitives, for example "oneDNN 2.6.3 (OpenMP), AVX-512 with VNNI and BF16". Thread safe.
std::string describe();

}  // namespace loom::dnnl
