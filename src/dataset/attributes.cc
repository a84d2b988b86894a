#include "dataset/attributes.h"

#include <cmath>

namespace retinaface::dataset {
namespace {

bool is_whole(float value, int low, int high) {
  return value >= static_cast<float>(low) && value <= static_cast<float>(high) &&
         value == std::floor(value);
}

template <auto kMember>
constexpr FaceProperty attribute(const char* name) {
  return {name, "a whole number from 0 to 9",
          [](const AnnotatedFace& face) -> std::optional<float> {
            const int value = face.attributes.*kMember;
            return value == 0 ? std::nullopt : std::optional(static_cast<float>(value));
          },
          [](AnnotatedFace& face, float value) {
            if (!is_whole(value, 0, 9)) return false;
            face.attributes.*kMember = static_cast<int>(value);
            return true;
          }};
}

constexpr FaceProperty kBlur = {"blur", "a number",
                                [](const AnnotatedFace& face) {
                                  const float blur = face.attributes.blur;
                                  return blur == 0 ? std::nullopt : std::optional(blur);
                                },
                                [](AnnotatedFace& face, float value) {
                                  face.attributes.blur = value;
                                  return true;
                                }};

constexpr FaceProperty kQuality = {
    "quality", "a whole number from 1 to 5",
    [](const AnnotatedFace& face) -> std::optional<float> {
      return face.quality ? std::optional(static_cast<float>(*face.quality)) : std::nullopt;
    },
    [](AnnotatedFace& face, float value) {
      if (!is_whole(value, 1, kQualityLevels)) return false;
      face.quality = static_cast<int>(value);
      return true;
    }};

constexpr FaceProperty kPointsScore = {
    "points_score", "a number",
    [](const AnnotatedFace& face) {
      return face.points_score == 1 ? std::nullopt : std::optional(face.points_score);
    },
    [](AnnotatedFace& face, float value) {
      face.points_score = value;
      return true;
    }};

constexpr FaceProperty kBoxIsEstimate = {"box_is_estimate", "0 or 1",
                                         [](const AnnotatedFace& face) {
                                           return face.box_is_estimate ? std::optional(1.0F)
                                                                       : std::nullopt;
                                         },
                                         [](AnnotatedFace& face, float value) {
                                           if (!is_whole(value, 0, 1)) return false;
                                           face.box_is_estimate = value == 1;
                                           return true;
                                         }};

constexpr FaceProperty kProperties[] = {kBlur,
                                        attribute<&FaceAttributes::expression>("expression"),
                                        attribute<&FaceAttributes::illumination>("illumination"),
                                        attribute<&FaceAttributes::occlusion>("occlusion"),
                                        attribute<&FaceAttributes::pose>("atypical_pose"),
                                        kQuality,
                                        kPointsScore,
                                        kBoxIsEstimate};

}  // namespace

std::span<const FaceProperty> face_properties() {
  return kProperties;
}

}  // namespace retinaface::dataset
