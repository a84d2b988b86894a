#include "pipeline/image_outputs.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "retinaface/alignment.h"

#include "base/check.h"
#include "base/file.h"
#include "base/part_file.h"
#include "base/plain_file.h"
#include "geometry/box.h"
#include "image/convert.h"
#include "image/draw.h"
#include "pipeline/draw_mesh.h"
#include "pipeline/mesh_files.h"
#include "video/video_writer.h"

namespace retinaface::pipeline {
namespace {

namespace fs = std::filesystem;

/// The face's box with a margin, as far as the image goes; nothing where it lies outside.
std::optional<Image> crop(const Image& image, const Box& box) {
  constexpr float kMargin = 0.25F;  // of the longer side, all around
  const float margin = kMargin * std::max(box.width(), box.height());
  const Box part =
      intersection({std::floor(box.x0 - margin), std::floor(box.y0 - margin),
                    std::ceil(box.x1 + margin), std::ceil(box.y1 + margin)},
                   {0, 0, static_cast<float>(image.width()), static_cast<float>(image.height())});
  if (!(part.width() >= 1 && part.height() >= 1)) return std::nullopt;
  return to_rgb(part_of(image, static_cast<int>(part.x0), static_cast<int>(part.y0),
                        static_cast<int>(part.width()), static_cast<int>(part.height())));
}

constexpr const char* kCrops = ".faces";
constexpr const char* kAligned = ".aligned";
constexpr const char* kPages = ".pages";
constexpr const char* kNumberedExtension = ".png";
constexpr const char* kNumberedName = "face.png";  // for messages and the format

/// Where faces or pages of an input go, `kind` one of the above.
fs::path folder_of_faces(const ImageOutputs& outputs, const fs::path& input, const char* kind) {
  return place_beside(place_in(outputs.folder, input), kind);
}

/// Where its annotated image goes, in a format that we write.
fs::path place_of_image(const ImageOutputs& outputs, const fs::path& input) {
  const fs::path place = place_in(outputs.folder, input);
  return can_write_image(place) ? place : place_beside(place, ".png");
}

fs::path place_of_page(const ImageOutputs& outputs, const fs::path& input, std::int64_t number) {
  return folder_of_faces(outputs, input, kPages) / (fmt::to_string(number) + kNumberedExtension);
}

/// Writes those of one kind.
void write_numbered(const fs::path& folder, const std::optional<video::FrameStamp>& frame,
                    const std::vector<std::int64_t>& tracks,
                    const std::vector<std::vector<std::byte>>& images) {
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (images[i].empty()) continue;
    make_folders(folder);
    const fs::path place = folder / (face_file_name(frame, tracks, i) + kNumberedExtension);
    expect_plain_file(place, ErrorCode::kUnwritable);
    write_file_atomically(place, images[i]);
  }
}

/// All files with numbers for names that are written for an input.
std::vector<NumberedFiles> numbered_files(const ImageOutputs& outputs, const fs::path& input,
                                          FrameKind frames) {
  std::vector<NumberedFiles> files;
  const auto add = [&](bool is_wanted, const char* kind) {
    if (!is_wanted) return;
    files.push_back(
        {folder_of_faces(outputs, input, kind), kNumberedExtension, OutputKind::kImage});
  };
  add(outputs.annotates() && frames == FrameKind::kPages, kPages);
  add(outputs.crops, kCrops);
  add(outputs.aligned, kAligned);
  if (!outputs.mesh_folder.empty()) {
    std::ranges::move(mesh_files(outputs.mesh_folder, input), std::back_inserter(files));
  }
  return files;
}

}  // namespace

bool is_video_place(const fs::path& out) {
  std::error_code ignored;
  return video::can_write_video(out) && !fs::is_directory(out, ignored);
}

bool is_image_place(const fs::path& out) {
  std::error_code ignored;
  return can_write_image(out) && !fs::is_directory(out, ignored);
}

fs::path place_in(const fs::path& folder, const fs::path& input) {
  if (is_video_place(folder) || is_image_place(folder)) return folder;
  return place_under(folder, input);
}

fs::path place_under(const fs::path& folder, const fs::path& input) {
  fs::path place = folder;
  for (const fs::path& part : input.relative_path()) {
    if (part != ".." && part != ".") place /= part;
  }
  return place;
}

FaceImages cut_faces(const ImageOutputs& outputs, const Image& image,
                     const std::vector<Face>& faces) {
  FaceImages images;
  for (const Face& face : faces) {
    if (outputs.crops) {
      const auto part = crop(image, face.box);
      images.crops.push_back(part ? encode_image(kNumberedName, *part) : std::vector<std::byte>());
    }
    if (outputs.aligned) {
      const Image aligned = align_face(image, face.landmarks, outputs.aligned_side_px);
      images.aligned.push_back(encode_image(kNumberedName, aligned));
    }
  }
  return images;
}

void write_faces(const ImageOutputs& outputs, const fs::path& input,
                 const std::optional<video::FrameStamp>& frame,
                 const std::vector<std::int64_t>& tracks, const FaceImages& faces) {
  write_numbered(folder_of_faces(outputs, input, kCrops), frame, tracks, faces.crops);
  write_numbered(folder_of_faces(outputs, input, kAligned), frame, tracks, faces.aligned);
}

void annotate(const ImageOutputs& outputs, const std::vector<Face>& faces,
              const std::vector<std::int64_t>& tracks, Image& image) {
  if (outputs.draw && outputs.draw_style != DrawStyle::kBoxes) {
    // The nearest, which are the largest, last.
    std::vector<const Face*> order;
    for (const Face& face : faces) order.push_back(&face);
    std::ranges::stable_sort(order, std::less(), [](const Face* face) { return area(face->box); });
    for (const Face* face : order) {
      if (!face->mesh) continue;
      const bool is_wire = outputs.draw_style == DrawStyle::kWireframe;
      is_wire ? draw_wireframe(image, *face->mesh) : draw_shaded(image, *face->mesh);
    }
  } else if (outputs.draw) {
    std::vector<FaceMark> marks;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      marks.push_back(
          {faces[i].box, faces[i].landmarks, faces[i].score, i < tracks.size() ? tracks[i] : 0});
    }
    draw_faces(image, marks);
  }
}

void write_annotated(const ImageOutputs& outputs, const fs::path& input, const Image& image,
                     const CaptureNotes& notes) {
  const fs::path place = place_of_image(outputs, input);
  if (place.has_parent_path()) make_folders(place.parent_path());
  WriteOptions options = outputs.write;
  options.notes = notes;
  write_image(place, image, options);
}

fs::path place_of_video(const ImageOutputs& outputs, const fs::path& input) {
  const fs::path place = place_in(outputs.folder, input);
  return video::can_write_video(place) ? place : place_beside(place, ".mp4");
}

void write_page(const ImageOutputs& outputs, const fs::path& input, std::int64_t number,
                const Image& image) {
  const fs::path place = place_of_page(outputs, input, number);
  make_folders(place.parent_path());
  expect_plain_file(place, ErrorCode::kUnwritable);
  write_image(place, image, outputs.write);
}

FrameKind frame_kind(const Input& input) {
  if (input.frames > 1 && input.are_pages) return FrameKind::kPages;
  return input.gives_frames() ? FrameKind::kVideo : FrameKind::kImage;
}

bool has_outputs(const ImageOutputs& outputs, const Input& input, const FacesOfFrames& faces) {
  const fs::path& path = input.path;
  const FrameKind kind = frame_kind(input);
  const bool are_frames = kind != FrameKind::kImage;
  if (outputs.annotates()) {
    if (kind == FrameKind::kImage && !path_exists(place_of_image(outputs, path))) return false;
    if (kind == FrameKind::kVideo && !path_exists(place_of_video(outputs, path))) return false;
    if (kind == FrameKind::kPages && !std::ranges::all_of(faces, [&](const auto& page) {
          return path_exists(place_of_page(outputs, path, page.first));
        })) {
      return false;
    }
  }
  for (const auto& [is_wanted, name] :
       {std::pair(outputs.crops, kCrops), std::pair(outputs.aligned, kAligned)}) {
    if (!is_wanted) continue;
    if (!has_face_files(folder_of_faces(outputs, path, name), kNumberedExtension, are_frames,
                        faces)) {
      return false;
    }
  }
  return outputs.mesh_folder.empty() || has_meshes(outputs.mesh_folder, path, are_frames, faces);
}

void remove_earlier(const ImageOutputs& outputs, const fs::path& input, FrameKind frames) {
  for (const NumberedFiles& numbered : numbered_files(outputs, input, frames)) remove_own(numbered);
}

void announce(const ImageOutputs& outputs, const fs::path& input, FrameKind frames,
              OutputGuard& guard) {
  if (outputs.annotates() && frames != FrameKind::kPages) {
    const bool is_video = frames == FrameKind::kVideo;
    const fs::path place =
        is_video ? place_of_video(outputs, input) : place_of_image(outputs, input);
    expect_plain_file(place, ErrorCode::kUnwritable);
    guard.writes(place, is_video ? OutputKind::kVideo : OutputKind::kImage, input);
  }
  for (const NumberedFiles& numbered : numbered_files(outputs, input, frames)) {
    guard.writes(numbered, input);
  }
}

}  // namespace retinaface::pipeline
