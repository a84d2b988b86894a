#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace retinaface::models {

/// What a head's values say of the face at an anchor, and so how they are coded against it
/// (detection/head_coding.h) and what of an annotated face they learn (training/head_targets.h).
enum class HeadMeaning {
  /// Two logits, not a face and face, or one of a face alone: Face::score, which is the geometric
  /// mean of the probabilities where several heads say it.
  kScore,
  kBox,        ///< four offsets: Face::box
  kLandmarks,  ///< ten offsets: Face::landmarks
  kValues,     ///< any number of values as they are: Face::values
};

/// How a meaning is called in files (doc/model_format.md; the outputs of a cascade's networks have
/// its name too), and how many values of an anchor it takes. The paper's heads have `max_values`.
struct HeadKind {
  const char* name;
  HeadMeaning meaning;
  int min_values;
  int max_values;
};
inline constexpr HeadKind kHeadKinds[] = {{"score", HeadMeaning::kScore, 1, 2},
                                          {"box", HeadMeaning::kBox, 4, 4},
                                          {"landmarks", HeadMeaning::kLandmarks, 10, 10},
                                          {"values", HeadMeaning::kValues, 1, 4096}};

const HeadKind& kind_of(HeadMeaning meaning);

/// What a head is trained by. That of scores alone learns at anchors without a face too.
enum class HeadLoss {
  kCrossEntropy,  ///< softmax cross-entropy with mined negatives
  kSmoothL1,      ///< smooth-L1 summed over the values
  kL1,            ///< absolute differences summed over the values
};

/// One of an anchor's values as it is for the image in a mirror: `factor` times value `index`.
struct MirroredValue {
  std::size_t index = 0;
  float factor = 1;
};

/// What a network says of each anchor in one respect: a 1x1 convolution on every level of the
/// pyramid.
struct Head {
  /// Of the graph's outputs, "NAME.LEVEL"; of the recipes' key, NAME_weight; of the metrics' key,
  /// loss_NAME; and of the ONNX output.
  std::string name;
  std::string module;  ///< its convolutions' parameters are called MODULE.LEVEL.conv1x1
  int values = 0;      ///< per anchor
  HeadMeaning meaning = HeadMeaning::kValues;
  HeadLoss loss = HeadLoss::kL1;
  float loss_weight = 1;  ///< in the loss, where a recipe says nothing
  /// By value; empty where a mirror changes nothing.
  std::vector<MirroredValue> mirrored = {};
};

/// The paper's three heads, which every detector here has: scores, boxes and five landmarks.
const std::vector<Head>& face_heads();

/// The name of the graph's output of a head on a level, counted from 0.
std::string output_name(const Head& head, std::size_t level);

/// The place of the head of scores among `heads`, which have exactly one (what is trained has).
std::size_t score_head(std::span<const Head> heads);
/// The same of the head of boxes.
std::size_t box_head(std::span<const Head> heads);

}  // namespace retinaface::models
