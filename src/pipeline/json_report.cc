#include "pipeline/json_report.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/origin_mark.h"

namespace retinaface::pipeline {

void write_json_report(const std::filesystem::path& path, nlohmann::json report) {
  report["origin"] = kOriginMark;
  write_file_atomically(path, report.dump(2) + "\n");
}

}  // namespace retinaface::pipeline
