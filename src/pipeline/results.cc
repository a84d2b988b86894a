#include "pipeline/results.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "base/file.h"
#include "base/origin_seal.h"
#include "base/plain_file.h"
#include "evaluation/wider_predictions.h"
#include "image/codecs/image_name.h"
#include "pipeline/name_text.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWiderExtension = ".txt";

std::string json_string(const std::string& text) {
  return nlohmann::json(text).dump();
}

/// The members that say which frame it is; none for an image.
std::string json_stamp(const ImageResult& result) {
  if (!result.frame) return {};
  return fmt::format(R"(, "frame": {}, "time_s": {:.3f})", result.frame->number,
                     result.frame->time_s);
}

/// A field of RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) {
    field += c;
    if (c == '"') field += '"';
  }
  return field + "\"";
}

/// The first members of a face: how sure it is, and where.
void add_place(const Face& face, std::string& line) {
  const auto out = std::back_inserter(line);
  fmt::format_to(out, R"("score": {:.5f}, "box": [{:.2f}, {:.2f}, {:.2f}, {:.2f}], )", face.score,
                 face.box.x0, face.box.y0, face.box.x1, face.box.y1);
  line += R"("landmarks": [)";
  const char* separator = "";
  for (const Point& point : face.landmarks) {
    fmt::format_to(out, "{}[{:.2f}, {:.2f}]", separator, point.x, point.y);
    separator = ", ";
  }
  line += "]";
}

void add_embedding(const std::vector<float>& embedding, std::string& line) {
  fmt::format_to(std::back_inserter(line), R"(, "embedding": [{:.7g}])",
                 fmt::join(embedding, ", "));
}

/// The members of a face that tell of its mesh.
void add_mesh(const FaceMesh& mesh, const FaceFields& fields, std::string& line) {
  const auto out = std::back_inserter(line);
  const char* separator = "";
  if (fields.landmarks == kDenseLandmarks) {
    line += R"(, "landmarks_68": [)";
    for (const Point& point : landmarks_68(mesh)) {
      fmt::format_to(out, "{}[{:.2f}, {:.2f}]", separator, point.x, point.y);
      separator = ", ";
    }
    line += "]";
  }
  if (!fields.mesh) return;
  line += R"(, "mesh": {"vertices": [)";
  separator = "";
  for (const MeshVertex& v : mesh.vertices) {
    fmt::format_to(out, "{}[{:.2f}, {:.2f}, {:.2f}]", separator, v.x, v.y, v.z);
    separator = ", ";
  }
  line += "]}";
}

void add_pose(const HeadPose& pose, std::string& line) {
  fmt::format_to(std::back_inserter(line),
                 R"(, "pose": {{"yaw": {:.2f}, "pitch": {:.2f}, "roll": {:.2f}}})", pose.yaw,
                 pose.pitch, pose.roll);
}

void add_quality(const FaceQuality& quality, std::string& line) {
  fmt::format_to(std::back_inserter(line),
                 R"(, "quality": {{"score": {:.4f}, "sharpness": {:.4f}, "size": {:.4f}, )"
                 R"("frontality": {:.4f}, "spread": {:.4f}}})",
                 quality.score, quality.sharpness, quality.size, quality.frontality,
                 quality.spread);
}

class JsonLines : public ResultWriter {
 public:
  explicit JsonLines(TextSink sink) : put_(std::move(sink)) {}
  void write(const ImageResult& result) override { put_(to_json(result) + "\n"); }

 private:
  TextSink put_;
};

/// The same lines as one array.
class JsonArray : public ResultWriter {
 public:
  explicit JsonArray(TextSink sink) : put_(std::move(sink)) { put_("["); }
  void write(const ImageResult& result) override {
    put_((is_first_ ? "\n" : ",\n") + to_json(result));
    is_first_ = false;
  }
  void finish() override { put_("\n]\n"); }

 private:
  TextSink put_;
  bool is_first_ = true;
};

/// One row a face.
class Csv : public ResultWriter {
 public:
  explicit Csv(TextSink sink) : put_(std::move(sink)) {}

  void write(const ImageResult& result) override {
    std::string rows = std::exchange(head_, {});
    for (std::size_t i = 0; i < result.faces.size(); ++i) {
      const Face& face = result.faces[i];
      rows += fmt::format("{},{},{},{:.5f},{:.2f},{:.2f},{:.2f},{:.2f}",
                          csv_field(text_of_path(result.path)), result.width, result.height,
                          face.score, face.box.x0, face.box.y0, face.box.x1, face.box.y1);
      for (const Point& point : face.landmarks) {
        rows += fmt::format(",{:.2f},{:.2f}", point.x, point.y);
      }
      rows += result.frame ? fmt::format(",{},{:.3f},{}\n", result.frame->number,
                                         result.frame->time_s, result.tracks.at(i))
                           : ",,,\n";
    }
    put_(rows);
  }
  void finish() override { put_(std::exchange(head_, {})); }

 private:
  TextSink put_;
  /// Until there is a row or the end: nothing is put before there is a result (ResultFile).
  std::string head_ = csv_head() + "\n";
};

/// COCO's JSON: one object, faces as "annotations" with a score, points as keypoints.
class Coco : public ResultWriter {
 public:
  explicit Coco(TextSink sink) : sink_(std::move(sink)) { put(coco_head()); }

  void write(const ImageResult& result) override {
    images_ += fmt::format("{}\n{{\"id\": {}, \"file_name\": {}, \"width\": {}, \"height\": {}{}}}",
                           image_ == 0 ? "" : ",", image_, json_string(text_of_path(result.path)),
                           result.width, result.height, json_stamp(result));
    std::string text;
    for (std::size_t i = 0; i < result.faces.size(); ++i) {
      const Face& face = result.faces[i];
      text += fmt::format(
          "{}\n{{\"id\": {}, \"image_id\": {}, \"category_id\": 1, \"score\": {:.5f}, \"bbox\": "
          "[{:.2f}, {:.2f}, {:.2f}, {:.2f}], \"area\": {:.2f}, \"iscrowd\": 0, "
          "\"num_keypoints\": 5, \"keypoints\": [",
          face_ == 0 ? "" : ",", face_, image_, face.score, face.box.x0, face.box.y0,
          face.box.width(), face.box.height(), face.box.width() * face.box.height());
      const char* separator = "";
      for (const Point& point : face.landmarks) {
        text += fmt::format("{}{:.2f}, {:.2f}, 2", separator, point.x, point.y);
        separator = ", ";
      }
      text += "]";
      if (result.frame) text += fmt::format(", \"track\": {}", result.tracks.at(i));
      text += "}";
      ++face_;
    }
    ++image_;
    put(text);
  }

  void finish() override {
    put("],\n\"images\": [" + images_ + "],\n");
    sink_(sealer_.end(fmt::format("\"info\": {{\"description\": \"{}\"}}}}\n", open_mark())));
  }

 private:
  void put(const std::string& text) {
    sealer_.add(text);
    sink_(text);
  }

  TextSink sink_;
  Sealer sealer_;
  std::string images_;  ///< the only thing that grows: a line an image
  std::size_t image_ = 0;
  std::size_t face_ = 0;
};

class Wider : public ResultWriter {
 public:
  explicit Wider(fs::path folder) : folder_(std::move(folder)) {}

  void write(const ImageResult& result) override { write_wider_file(folder_, result); }

 private:
  const fs::path folder_;
};

NumberedFiles wider_files_of_frames(const fs::path& folder, const fs::path& video) {
  return {wider_file(folder, video, video::FrameStamp{}).parent_path(), kWiderExtension,
          OutputKind::kPredictions};
}

}  // namespace

std::string csv_head() {
  std::string head = "image,width,height,score,x0,y0,x1,y1";
  for (const char* point : {"left_eye", "right_eye", "nose", "left_mouth", "right_mouth"}) {
    head += fmt::format(",{0}_x,{0}_y", point);
  }
  return head + ",frame,time_s,track";
}

std::string coco_head() {
  return R"({"categories": [{"id": 1, "name": "face", "keypoints": ["left_eye", "right_eye", )"
         R"("nose", "left_mouth", "right_mouth"]}], "annotations": [)";
}

std::string to_json(const ImageResult& result) {
  std::string line = fmt::format(R"({{"image": {}{}, "width": {}, "height": {}, "faces": [)",
                                 json_string(text_of_path(result.path)), json_stamp(result),
                                 result.width, result.height);
  const auto out = std::back_inserter(line);
  const char* separator = "";
  for (std::size_t i = 0; i < result.faces.size(); ++i) {
    const Face& face = result.faces[i];
    fmt::format_to(out, "{}{{", separator);
    if (result.frame) fmt::format_to(out, R"("track": {}, )", result.tracks.at(i));
    separator = ", ";
    add_place(face, line);
    if (face.mesh && result.fields.mesh) {
      add_pose(face.mesh->pose, line);
    } else if (result.fields.quality) {
      add_pose(result.qualities.at(i).pose, line);
    }
    if (result.fields.quality) add_quality(result.qualities.at(i), line);
    if (!result.embeddings.empty()) add_embedding(result.embeddings.at(i), line);
    if (face.mesh) add_mesh(*face.mesh, result.fields, line);
    line += "}";
  }
  fmt::format_to(out, R"(], "ms": {:.3f}}})", result.ms);
  return line;
}

std::string face_to_json(const ImageResult& result, std::size_t face,
                         std::optional<std::size_t> row) {
  std::string line = fmt::format(R"({{"image": {}, )", json_string(text_of_path(result.path)));
  add_place(result.faces.at(face), line);
  if (row) {
    fmt::format_to(std::back_inserter(line), R"(, "row": {})", *row);
  } else {
    add_embedding(result.embeddings.at(face), line);
  }
  return line + "}";
}

fs::path wider_file(const fs::path& folder, const fs::path& image,
                    const std::optional<video::FrameStamp>& frame) {
  if (frame) {
    return folder / image.filename() /
           fmt::format("{:06}_{:.3f}s.txt", frame->number, frame->time_s);
  }
  return folder / fs::absolute(image).parent_path().filename() /
         (image.stem().string() + kWiderExtension);
}

fs::path write_wider_file(const fs::path& folder, const ImageResult& result) {
  fs::path place = wider_file(folder, result.path, result.frame);
  const std::string name = place.parent_path().filename().string() + "/" + place.stem().string();
  make_folders(place.parent_path());
  expect_plain_file(place, ErrorCode::kUnwritable);
  write_file_atomically(
      place, evaluation::format_wider_predictions(name, evaluation::to_wider(result.faces)));
  return place;
}

void announce_wider(const fs::path& folder, const fs::path& input, bool is_video,
                    OutputGuard& guard) {
  if (is_video) {
    guard.writes(wider_files_of_frames(folder, input), input);
  } else {
    guard.writes(wider_file(folder, input, std::nullopt), OutputKind::kPredictions, input);
  }
}

void remove_wider(const fs::path& folder, const fs::path& input, bool is_video) {
  if (is_video) {
    remove_own(wider_files_of_frames(folder, input));
  } else {
    remove_own(wider_file(folder, input, std::nullopt), OutputKind::kPredictions);
  }
}

bool has_wider_results(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator event(folder, error), end; !error && event != end;
       event.increment(error)) {
    std::error_code ignored;
    for (fs::directory_iterator file(event->path(), ignored); !ignored && file != end;
         file.increment(ignored)) {
      if (file->path().extension() == kWiderExtension &&
          is_own_output(file->path(), OutputKind::kPredictions)) {
        return true;
      }
    }
  }
  return false;
}

std::string result_format_of(const fs::path& file) {
  const std::string extension = lower_case_extension(file);
  const bool is_known = extension == ".jsonl" || extension == ".json" || extension == ".csv";
  return is_known ? extension.substr(1) : "";
}

const std::set<std::string>& result_formats() {
  static const std::set<std::string> kFormats = {"jsonl", "json", "csv", "coco", "wider"};
  return kFormats;
}

std::unique_ptr<ResultWriter> make_result_writer(const std::string& format, TextSink sink,
                                                 const fs::path& folder) {
  if (format == "json") return std::make_unique<JsonArray>(std::move(sink));
  if (format == "csv") return std::make_unique<Csv>(std::move(sink));
  if (format == "coco") return std::make_unique<Coco>(std::move(sink));
  if (format == "wider") return std::make_unique<Wider>(folder);
  return std::make_unique<JsonLines>(std::move(sink));
}

}  // namespace retinaface::pipeline
