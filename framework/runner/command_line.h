// Errors of the command line, in the words of the rest of the program.
#pragma once

#include <CLI/CLI.hpp>

#include "loom/error.h"

namespace loom::runner {

// What is wrong with the command line, with the nearest verb or flag.
Error command_line_error(const CLI::App& app, const CLI::ParseError& problem, int count, const char* const* arguments);

}  // namespace loom::runner
