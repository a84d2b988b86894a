#include "pipeline/json_report.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/file.h"
#include "base/origin_mark.h"
#include "pipeline/inputs.h"

namespace retinaface::pipeline {

void write_report(const std::filesystem::path& path, const std::string& text) {
  if (path == kStandardStream) {
    fmt::print("{}", text);
  } else {
    write_file_atomically(path, text);
  }
}

void write_json_report(const std::filesystem::path& path, nlohmann::json report) {
  report["origin"] = kOriginMark;
  write_report(path, report.dump(2) + "\n");
}

}  // namespace retinaface::pipeline
