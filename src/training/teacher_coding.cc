#include "training/teacher_coding.h"

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "detection/head_coding.h"
#include "models/heads.h"

namespace retinaface::training {
namespace {

using models::HeadMeaning;

bool same_grids(const models::AnchorFamily& a, const models::AnchorFamily& b) {
  return std::ranges::equal(
      a.levels, b.levels, [](const models::AnchorLevel& x, const models::AnchorLevel& y) {
        return x.stride_px == y.stride_px && x.sizes_px.size() == y.sizes_px.size();
      });
}

/// Scores of one logit and of two say the same.
bool same_meanings(const std::vector<models::Head>& a, const std::vector<models::Head>& b) {
  return std::ranges::equal(a, b, [](const models::Head& x, const models::Head& y) {
    return x.name == y.name && x.meaning == y.meaning &&
           (x.values == y.values || x.meaning == HeadMeaning::kScore);
  });
}

bool same_widths(const std::vector<models::Head>& a, const std::vector<models::Head>& b) {
  return std::ranges::equal(a, b, {}, &models::Head::values, &models::Head::values);
}

/// The same box, or one of a pixel about its centre: what is learnt has an area.
Box with_area(const Box& box) {
  const Point center = box.center();
  const float half_width = std::max(box.width(), 1.0F) / 2;
  const float half_height = std::max(box.height(), 1.0F) / 2;
  return {center.x - half_width, center.y - half_height, center.x + half_width,
          center.y + half_height};
}

}  // namespace

TeacherCoding::TeacherCoding(const models::Model& teacher, const models::Model& student,
                             const std::string& source)
    : teacher_(teacher.detector()),
      student_(student.detector()),
      identity_(teacher_.anchors == student_.anchors &&
                same_widths(teacher_.heads, student_.heads)) {
  RF_CHECK(models::is_encodable(student_));
  if (!same_grids(teacher_.anchors, student_.anchors)) {
    fail(ErrorCode::kBadData,
         "{}: expected a teacher with the strides of {} and as many anchors in a cell, found {}",
         source, student.name, teacher.name);
  }
  if (!same_meanings(teacher_.heads, student_.heads)) {
    fail(ErrorCode::kBadData, "{}: expected a teacher with the heads of {}, found {}", source,
         student.name, teacher.name);
  }
}

std::vector<float> TeacherCoding::recode(std::size_t level, const detection::Grid& grid,
                                         std::size_t head, std::span<const float> values) const {
  const auto from_width = static_cast<std::size_t>(teacher_.heads[head].values);
  const auto to_width = static_cast<std::size_t>(student_.heads[head].values);
  const std::size_t anchors = values.size() / from_width;
  const std::size_t per_cell = student_.anchors.levels[level].sizes_px.size();
  RF_CHECK(anchors % (static_cast<std::size_t>(grid.height * grid.width) * per_cell) == 0);
  std::vector<float> recoded(anchors * to_width);
  for (std::size_t i = 0; i < anchors; ++i) {
    const auto cell = static_cast<std::int64_t>(i / per_cell) % (grid.height * grid.width);
    const auto place_of = [&](const models::AnchorFamily& family) {
      return detection::coding_anchor(family, family.levels[level], cell / grid.width,
                                      cell % grid.width, i % per_cell);
    };
    recode_anchor(head, place_of(teacher_.anchors), place_of(student_.anchors),
                  values.subspan(i * from_width, from_width),
                  std::span(recoded).subspan(i * to_width, to_width));
  }
  return recoded;
}

void TeacherCoding::recode_anchor(std::size_t head, const detection::Anchor& from,
                                  const detection::Anchor& to, std::span<const float> values,
                                  std::span<float> target) const {
  const models::Head& student = student_.heads[head];
  if (student.meaning == HeadMeaning::kScore) {
    target.back() = values.back();
    if (target.size() == 2 && values.size() == 2) target.front() = values.front();
    return;
  }
  Face face;
  detection::decode_head(teacher_.heads[head], from, values, teacher_.anchors, face);
  face.box = with_area(face.box);
  detection::encode_head(student, to, face, student_.anchors, target);
}

}  // namespace retinaface::training
