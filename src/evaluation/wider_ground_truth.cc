#include "evaluation/wider_ground_truth.h"

#include <cmath>

#include "base/check.h"
#include "base/file.h"
#include "evaluation/mat_file.h"

namespace retinaface::evaluation {
namespace {

/// A list with one cell per event, each with one cell per image.
class ImageList {
 public:
  ImageList(const MatFile& file, const std::filesystem::path& path, const char* variable)
      : name_(fmt::format("{}: variable {}", printable(path), variable)),
        events_(file.read(variable).cells) {}

  const std::vector<MatArray>& events() const { return events_; }

  /// The cells of event `event`, which must be `images`.
  const std::vector<MatArray>& images(std::size_t event, std::size_t images) const {
    if (event >= events_.size() || events_[event].cells.size() != images) {
      reject(event, fmt::format("expected {} images, found {}", images,
                                event < events_.size() ? events_[event].cells.size() : 0));
    }
    return events_[event].cells;
  }

  [[noreturn]] void reject(std::size_t event, const std::string& message) const {
    fail(ErrorCode::kBadData, "{}: event {}: {}", name_, event + 1, message);
  }

 private:
  std::string name_;
  std::vector<MatArray> events_;
};

/// A name becomes part of paths: it must not lead out of its folder.
std::string checked_name(const ImageList& list, std::size_t event, const MatArray& cell) {
  const std::string& name = cell.text;
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    list.reject(event, fmt::format("expected a name, found '{}'", printable(name)));
  }
  return name;
}

std::vector<WiderBox> boxes(const ImageList& list, std::size_t event, const MatArray& cell) {
  std::vector<WiderBox> result;
  if (cell.numbers.empty()) return result;
  if (cell.columns != 4) {
    list.reject(event, fmt::format("expected four columns, found {}", cell.columns));
  }
  for (std::size_t i = 0; i < cell.rows; ++i) {
    const auto value = [&](std::size_t column) { return cell.numbers[column * cell.rows + i]; };
    result.push_back({value(0), value(1), value(2), value(3)});
  }
  return result;
}

std::vector<std::uint8_t> flags(const ImageList& list, std::size_t event, const MatArray& cell,
                                std::size_t faces) {
  std::vector<std::uint8_t> counted(faces);
  for (const double number : cell.numbers) {
    if (!(number >= 1) || number > static_cast<double>(faces) || number != std::floor(number)) {
      list.reject(event, fmt::format("face {} of an image with {}", number, faces));
    }
    counted[static_cast<std::size_t>(number) - 1] = 1;
  }
  return counted;
}

}  // namespace

const char* name_of(Subset subset) {
  switch (subset) {
    case Subset::kEasy:
      return "easy";
    case Subset::kMedium:
      return "medium";
    case Subset::kHard:
      break;
  }
  return "hard";
}

WiderGroundTruth read_wider_ground_truth(const std::filesystem::path& folder) {
  const std::filesystem::path all_path = folder / "wider_face_val.mat";
  const MatFile all(all_path);
  const ImageList names(all, all_path, "file_list");
  const ImageList face_boxes(all, all_path, "face_bbx_list");
  const ImageList event_names(all, all_path, "event_list");

  WiderGroundTruth truth;
  for (std::size_t event = 0; event < event_names.events().size(); ++event) {
    truth.events.push_back(checked_name(event_names, event, event_names.events()[event]));
    if (event >= names.events().size()) names.reject(event, "missing");
    const std::vector<MatArray>& images = names.events()[event].cells;
    const std::vector<MatArray>& of_event = face_boxes.images(event, images.size());
    for (std::size_t i = 0; i < images.size(); ++i) {
      truth.images.push_back({.event = event,
                              .name = checked_name(names, event, images[i]),
                              .faces = boxes(face_boxes, event, of_event[i]),
                              .counted = {}});
    }
  }

  for (const Subset subset : kSubsets) {
    const std::filesystem::path path = folder / fmt::format("wider_{}_val.mat", name_of(subset));
    const ImageList list(MatFile(path), path, "gt_list");
    std::size_t image = 0;
    for (std::size_t event = 0; event < truth.events.size(); ++event) {
      for (const MatArray& cell : list.images(event, names.events()[event].cells.size())) {
        WiderImage& target = truth.images[image++];
        target.counted[static_cast<std::size_t>(subset)] =
            flags(list, event, cell, target.faces.size());
      }
    }
  }
  return truth;
}

}  // namespace retinaface::evaluation
