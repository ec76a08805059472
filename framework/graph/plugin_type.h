// One entry of the list of types that a plugin library registers, in C: it can be read without calling any C++ of the
// library. LOOM_NODE and LOOM_DATASET (graph/registry.h) fill it in.
#pragma once

extern "C" {

struct loom_plugin_type {
  const char* name;  // "acme.huber"
  const char* kind;  // "node" or "dataset"
  const loom_plugin_type* next;
};
}
