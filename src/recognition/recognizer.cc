#include "retinaface/recognizer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/run_batch.h"
#include "detection/aligned_size.h"
#include "detection/preprocess.h"
#include "graph/operators.h"
#include "image/convert.h"
#include "models/load_model.h"
#include "models/model_info.h"
#include "runtime/backends/backends.h"
#include "runtime/backends/type_name.h"
#include "runtime/session_pool.h"

namespace retinaface {
namespace {

void normalize(std::span<float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  const double length = std::sqrt(sum);
  if (!(length > 0) || !std::isfinite(length)) {
    fail(ErrorCode::kBadData,
         "embedding: the network yields none of a length: its weights are damaged");
  }
  for (float& value : values) value = static_cast<float>(double{value} / length);
}

/// Throws Error where the model is no recogniser.
const models::Model& recognizer_of(const models::LoadedModel& loaded) {
  if (loaded.model->find_recognizer() != nullptr) return *loaded.model;
  fail(
      ErrorCode::kUnsupported,
      "{}: expected a recogniser, found the detector {}; `retinaface import` makes a recogniser of "
      "an ONNX file (doc/import.md)",
      loaded.source.empty() ? loaded.model->name : excerpt(loaded.source), loaded.model->name);
}

std::unique_ptr<runtime::Network> make_network(const models::LoadedModel& loaded,
                                               const RuntimeOptions& runtime) {
  const graph::DataType type =
      runtime::type_of(runtime.type, loaded.graph, loaded.weights, runtime.backend);
  return runtime::backends().make(loaded.graph, loaded.weights, runtime.backend, {.type = type});
}

}  // namespace

class Recognizer::Implementation {
 public:
  Implementation(const models::LoadedModel& loaded, const RuntimeOptions& runtime)
      : described_(loaded.described),
        model_(recognizer_of(loaded)),
        side_(model_.find_recognizer()->side_px),
        info_(models::info_of(model_, loaded.graph, side_, side_)),
        pool_(make_network(loaded, runtime)) {
    info_.weights_origin = loaded.origin;
    info_.weights_source = loaded.source;
    const std::vector<graph::Shape> shapes =
        graph::infer_shapes(loaded.graph, {1, 3, side_, side_});
    size_ = static_cast<int>(shapes[static_cast<std::size_t>(loaded.graph.outputs()[0].node)].c);
  }

  int embedding_size() const { return size_; }

  const ModelInfo& info() const { return info_; }

  std::vector<float> embed(const ImageView& image, const Landmarks& landmarks) const {
    Image face = align_to_template(image, landmarks, side_);
    const runtime::SessionLease session(pool_);
    const runtime::InputMap input = session->input(2, side_, side_);
    detection::preprocess(face, model_.network.preprocessing, input.image(0));
    mirror(face);
    detection::preprocess(face, model_.network.preprocessing, input.image(1));
    session->run();
    std::vector<float> sum(static_cast<std::size_t>(size_), 0.0F);
    const runtime::FeatureMap output = session->output(0);
    for (std::int64_t n = 0; n < 2; ++n) {
      const runtime::FeatureMap one = output.image(n);
      for (int c = 0; c < size_; ++c) sum[static_cast<std::size_t>(c)] += *one.channel(c);
    }
    normalize(sum);
    return sum;
  }

 private:
  std::shared_ptr<const models::Model> described_;
  const models::Model& model_;
  int side_;
  int size_ = 0;
  ModelInfo info_;
  mutable runtime::SessionPool pool_;
};

Recognizer::Recognizer(const std::filesystem::path& model) : Recognizer(model, RuntimeOptions{}) {}

Recognizer::Recognizer(const std::filesystem::path& model, const RuntimeOptions& runtime)
    : implementation_(std::make_shared<Implementation>(
          models::load_model_by_name_or_path(model.string()), runtime)) {}

Recognizer Recognizer::from_bytes(ArrayView<std::byte> safetensors, const std::string& name) {
  return from_bytes(safetensors, name, {});
}

Recognizer Recognizer::from_bytes(ArrayView<std::byte> safetensors, const std::string& name,
                                  const RuntimeOptions& runtime) {
  return Recognizer(
      std::make_shared<Implementation>(models::parse_model(safetensors, name), runtime));
}

Recognizer::Recognizer(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Recognizer::~Recognizer() = default;
Recognizer::Recognizer(const Recognizer&) = default;
Recognizer& Recognizer::operator=(const Recognizer&) = default;
Recognizer::Recognizer(Recognizer&&) noexcept = default;
Recognizer& Recognizer::operator=(Recognizer&&) noexcept = default;

int Recognizer::embedding_size() const {
  return implementation_->embedding_size();
}

ModelInfo Recognizer::info() const {
  return implementation_->info();
}

std::vector<float> Recognizer::embed(const ImageView& image, const Landmarks& landmarks) const {
  return implementation_->embed(image, landmarks);
}

std::vector<std::vector<float>> Recognizer::embed_batch(ArrayView<FaceInImage> faces,
                                                        int threads) const {
  return run_batch("faces", faces.size(), threads,
                   [&](std::size_t i) { return embed(faces[i].image, faces[i].landmarks); });
}

float similarity(ArrayView<float> a, ArrayView<float> b) {
  if (a.size() != b.size() || a.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "similarity: expected embeddings of one length, found {} and {}", a.size(), b.size());
  }
  double product = 0;
  double square_a = 0;
  double square_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * double{b[i]};
    square_a += double{a[i]} * double{a[i]};
    square_b += double{b[i]} * double{b[i]};
  }
  const double length = std::sqrt(square_a * square_b);
  if (!(length > 0)) {
    fail(ErrorCode::kInvalidArgument,
         "similarity: expected embeddings of some length, found zeros");
  }
  return static_cast<float>(std::clamp(product / length, -1.0, 1.0));
}

}  // namespace retinaface
