#include "dataset/write_set.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"
#include "base/counted.h"
#include "base/file.h"
#include "dataset/coco.h"
#include "dataset/label_txt.h"
#include "dataset/voc.h"
#include "dataset/wider_bbx_gt.h"
#include "dataset/yolo.h"

namespace retinaface::dataset {
namespace {

namespace fs = std::filesystem;

template <typename Predicate>
void note(const AnnotationSet& set, Predicate lost, std::string_view what,
          std::vector<std::string>& notes) {
  std::size_t count = 0;
  for (const AnnotatedImage& image : set) {
    count += static_cast<std::size_t>(std::ranges::count_if(image.faces, lost));
  }
  if (count > 0) notes.push_back(fmt::format("{} of {}", what, counted(count, "face")));
}

}  // namespace

fs::path written_place(const fs::path& out, SetFormat format) {
  RF_CHECK(format != SetFormat::kPoints);
  if (format == SetFormat::kVoc) return out / "Annotations";
  if (format == SetFormat::kYolo) return out;
  if (!folder_exists(out) && out.has_filename()) return out;
  return out / (format == SetFormat::kCoco    ? "annotations.json"
                : format == SetFormat::kWider ? "wider_face_bbx_gt.txt"
                                              : "label.txt");
}

std::vector<SetFile> formatted_files(const fs::path& out, SetFormat format,
                                     const AnnotationSet& set) {
  const fs::path place = written_place(out, format);
  const std::string name = printable(place);
  switch (format) {
    case SetFormat::kLabelTxt:
      return {{place, format_label_txt(set, name)}};
    case SetFormat::kWider:
      return {{place, format_wider_bbx_gt(set, name)}};
    case SetFormat::kCoco:
      return {{place, format_coco(set, name)}};
    case SetFormat::kVoc:
      return formatted_voc(place, set);
    case SetFormat::kYolo:
      return formatted_yolo(place, set);
    case SetFormat::kPoints:
      break;
  }
  RF_CHECK(false);
  return {};
}

fs::path write_set(const fs::path& out, SetFormat format, const AnnotationSet& set) {
  fs::path place = written_place(out, format);
  if (format == SetFormat::kVoc || format == SetFormat::kYolo) make_folders(place);
  write_files(formatted_files(out, format, set));
  return place;
}

std::vector<std::string> lost_in(SetFormat format, const AnnotationSet& set) {
  std::vector<std::string> notes;
  const bool wider = format == SetFormat::kWider;
  if (wider) {
    note(
        set,
        [](const AnnotatedFace& face) {
          return std::ranges::any_of(face.points, [](const AnnotatedPoint& point) {
            return point.state != PointState::kMissing;
          });
        },
        "the points", notes);
    note(
        set, [](const AnnotatedFace& face) { return face.quality.has_value(); }, "the quality",
        notes);
    note(
        set,
        [](const AnnotatedFace& face) {
          return face.attributes.blur != std::round(face.attributes.blur);
        },
        "the fraction of the blur", notes);
  }
  if (format == SetFormat::kYolo) {
    note(
        set, [](const AnnotatedFace& face) { return face.ignored; }, "the ignored boxes", notes);
    note(
        set,
        [](const AnnotatedFace& face) {
          return face.attributes != FaceAttributes() || face.quality.has_value();
        },
        "the attributes", notes);
  }
  if (wider || format == SetFormat::kLabelTxt || format == SetFormat::kYolo) {
    note(
        set, [](const AnnotatedFace& face) { return face.box_is_estimate; },
        "that they are estimates, of the boxes", notes);
  }
  return notes;
}

}  // namespace retinaface::dataset
