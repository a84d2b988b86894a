#pragma once

#include <filesystem>
#include <new>
#include <string>

#include "retinaface/error.h"

#include "base/file.h"

namespace retinaface::pipeline {

/// Does something for one input of many; returns the line that says why it could not be done, empty
/// if it was. What is nobody's input's fault is thrown on.
template <typename Action>
std::string problem_of(const std::filesystem::path& input, Action action) {
  try {
    action();
    return {};
  } catch (const Error& error) {
    return error.what();
  } catch (const std::filesystem::filesystem_error& error) {
    return error.what();
  } catch (const std::bad_alloc&) {
    return printable(input) + ": not enough memory for this input";
  }
}

}  // namespace retinaface::pipeline
