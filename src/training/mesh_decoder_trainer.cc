#include "training/mesh_decoder_trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/random.h"
#include "mesh/chebyshev.h"
#include "mesh/rows.h"
#include "mesh/topology.h"
#include "training/checksum.h"
#include "training/epoch_run.h"
#include "training/mesh_gradient.h"
#include "training/recipe_fields.h"
#include "training/run_folder.h"

namespace retinaface::training {
namespace {

using mesh::ChebyshevDecoder;

constexpr std::size_t kValues = 3 * kMeshVertices;

/// The keys of a recipe, once for both directions: Fields is a Table or a RecipeWriter.
template <typename Fields>
void recipe_fields(Fields& all, MeshDecoderRecipe& recipe) {
  all.table("decoder", [&](Fields& table) {
    table.whole("channels", recipe.channels, 1, 256);
    table.whole("order", recipe.order, 1, 16);
    table.whole("batch", recipe.batch, 1, 100'000);
    table.whole("epochs", recipe.epochs, 1, 1'000'000);
    table.number("learning_rate", recipe.learning_rate, 0, 100);
    table.number("texture_weight", recipe.texture_weight, 0, 1e6);
    table.flag("residual", recipe.residual);
  });
}

constexpr auto kDescribe = [](auto& fields, auto& recipe) { recipe_fields(fields, recipe); };

std::vector<float> elu_gradient(std::span<const float> y, std::vector<float> gradient) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (y[i] < 0) gradient[i] *= 1 + y[i];  // e^x
  }
  return gradient;
}

void add_columns(std::span<const float> rows, std::span<float> sums) {
  for (std::size_t i = 0; i < rows.size(); ++i) sums[i % sums.size()] += rows[i];
}

/// Shapes or textures, (count, 3 V) less the mean, and their codes.
struct Samples {
  std::vector<float> values;
  std::vector<float> codes;
  std::size_t count = 0;
  std::size_t code_size = 0;

  std::span<const float> value(std::size_t i) const {
    return std::span(values).subspan(i * kValues, kValues);
  }
  std::span<const float> code(std::size_t i) const {
    return std::span(codes).subspan(i * code_size, code_size);
  }
};

std::vector<float> floats_of(const graph::Tensor& tensor) {
  const graph::Tensor narrow = graph::as_float32(tensor);
  return {narrow.values().begin(), narrow.values().end()};
}

Samples read_samples(const graph::Weights& file, const std::string& name, std::size_t code_size) {
  const auto values = file.tensors.find(name);
  const auto codes = file.tensors.find(name + "_codes");
  if (values == file.tensors.end() || codes == file.tensors.end()) {
    fail(ErrorCode::kBadData,
         "samples: expected the tensors {0} and {0}_codes, as tools/mesh/decoder.py --samples "
         "writes them",
         name);
  }
  const std::vector<std::int64_t>& shape = values->second.shape;
  const std::int64_t count = shape.empty() ? 0 : shape.front();
  const std::vector<std::int64_t> expected = {count, static_cast<std::int64_t>(kValues)};
  const std::vector<std::int64_t> expected_codes = {count, static_cast<std::int64_t>(code_size)};
  if (count == 0 || shape != expected || codes->second.shape != expected_codes) {
    fail(ErrorCode::kBadData, "samples: {}: expected shapes (N, {}) and (N, {}), found {} and {}",
         name, kValues, code_size, graph::to_string(shape), graph::to_string(codes->second.shape));
  }
  return {floats_of(values->second), floats_of(codes->second), static_cast<std::size_t>(count),
          code_size};
}

/// What a run starts from, as the seed has it.
std::vector<float> first_values(const ChebyshevDecoder& net, std::uint64_t seed) {
  std::vector<float> values(net.size());
  Random random(seed);
  const auto fill = [&](ChebyshevDecoder::Parts which, double deviation) {
    const ChebyshevDecoder::Part& part = net.parts()[which];
    for (std::size_t i = 0; i < part.size; ++i) {
      values[part.offset + i] = static_cast<float>(random.normal() * deviation);
    }
  };
  const auto fan_in = static_cast<double>(net.channels() * net.order());
  fill(ChebyshevDecoder::kWeight, std::sqrt(1.0 / mesh::kCodes));
  fill(ChebyshevDecoder::kFirst, std::sqrt(1 / fan_in));
  fill(ChebyshevDecoder::kSecond, std::sqrt(1 / fan_in));
  fill(ChebyshevDecoder::kThird, 0.1 * std::sqrt(1 / fan_in));
  return values;
}

class MeshDecoderTrainer {
 public:
  MeshDecoderTrainer(const MeshDecoderRecipe& recipe, const graph::Weights& linear,
                     const graph::Weights& samples, const MeshDecoderTrainingOptions& options)
      : recipe_(recipe),
        options_(options),
        linear_(linear, "decoder"),
        net_(static_cast<std::size_t>(recipe.channels), static_cast<std::size_t>(recipe.order)),
        shapes_(read_samples(samples, "learnt.shape", mesh::kShapeCodes)),
        textures_(read_samples(samples, "learnt.texture", mesh::kTextureCodes)),
        judged_shapes_(read_samples(samples, "judged.shape", mesh::kShapeCodes)),
        judged_textures_(read_samples(samples, "judged.texture", mesh::kTextureCodes)),
        values_(first_values(net_, options.seed)),
        gradients_(values_.size()),
        run_({.out = options.out,
              .seed = options.seed,
              .resume = options.resume,
              .stop = options.stop},
             description(linear, samples), recipe.epochs, slots(), values_, 0) {}

  bool run() {
    MeshDecoderProgress progress;
    progress.epochs = recipe_.epochs;
    progress.linear = judge(true);
    for (int at = static_cast<int>(run_.done()); at < recipe_.epochs; ++at) {
      progress.epoch = at + 1;
      progress.loss = learn(at);
      progress.figures = judge(false);
      run_.end_epoch(
          fmt::format("{{\"epoch\": {}, \"loss\": {:.6f}, \"judged_shape\": {:.6f}, "
                      "\"judged_texture\": {:.5f}, "
                      "\"linear_shape\": {:.6f}, \"linear_texture\": {:.5f}}}\n",
                      progress.epoch, progress.loss, progress.figures.shape,
                      progress.figures.texture, progress.linear.shape, progress.linear.texture));
      if (options_.progress) options_.progress(progress);
      if (run_.stopped()) return false;
    }
    write_decoder();
    return true;
  }

 private:
  std::vector<runtime::ParameterSlot> slots() const {
    std::vector<runtime::ParameterSlot> result;
    for (const ChebyshevDecoder::Part& part : net_.parts()) {
      runtime::ParameterSlot slot;
      slot.name = part.name;
      slot.shape = part.shape;
      slot.offset = part.offset;
      slot.size = part.size;
      slot.is_bias = part.name.ends_with("bias");
      result.push_back(std::move(slot));
    }
    return result;
  }

  /// What the linear decoder makes of codes, less the means.
  void add_linear(std::span<const float> shape_codes, std::span<const float> texture_codes,
                  float factor, std::span<float> shape, std::span<float> texture) const {
    std::vector<mesh::Vector> vertices;
    const auto add = [&](std::span<float> out, std::span<const mesh::Vector> mean) {
      for (std::size_t v = 0; v < kMeshVertices; ++v) {
        const mesh::Vector off = factor * (vertices[v] - mean[v]);
        out[3 * v] += off.x;
        out[3 * v + 1] += off.y;
        out[3 * v + 2] += off.z;
      }
    };
    linear_.shape(shape_codes, vertices);
    std::vector<mesh::Vector> mean;
    linear_.shape(std::vector<float>(mesh::kShapeCodes), mean);
    add(shape, mean);
    linear_.texture(texture_codes, vertices);
    add(texture, linear_.mean_texture());
  }

  /// Of one sample: the difference from what it should be. Adds the gradient where one is asked
  /// for.
  MeshDecoderFigures sample(std::span<const float> shape, std::span<const float> shape_codes,
                            std::span<const float> texture, std::span<const float> texture_codes,
                            bool linear_alone, std::span<float> gradient, double* loss) const {
    std::vector<float> codes(shape_codes.begin(), shape_codes.end());
    codes.insert(codes.end(), texture_codes.begin(), texture_codes.end());
    // What is left of the sample, negative.
    std::vector<float> off_shape(kValues);
    std::vector<float> off_texture(kValues);
    for (std::size_t i = 0; i < kValues; ++i) {
      off_shape[i] = -shape[i];
      off_texture[i] = -texture[i];
    }
    if (linear_alone || recipe_.residual) {
      add_linear(shape_codes, texture_codes, 1, off_shape, off_texture);
    }
    ChebyshevDecoder::Pass pass;
    if (!linear_alone) {
      pass = net_.forward(values_, codes);
      for (std::size_t v = 0; v < kMeshVertices; ++v) {
        for (std::size_t c = 0; c < 3; ++c) {
          off_shape[3 * v + c] += ChebyshevDecoder::kShapeStep * pass.out[6 * v + c];
          off_texture[3 * v + c] += ChebyshevDecoder::kTextureStep * pass.out[6 * v + 3 + c];
        }
      }
    }
    MeshDecoderFigures figures;
    double sum = 0;
    for (std::size_t v = 0; v < kMeshVertices; ++v) {
      figures.shape +=
          std::hypot(off_shape[3 * v], off_shape[3 * v + 1], off_shape[3 * v + 2]) / kMeshVertices;
      for (std::size_t c = 0; c < 3; ++c) {
        sum += std::abs(off_shape[3 * v + c]) / kValues;
        figures.texture += std::abs(off_texture[3 * v + c]) / kValues;
      }
    }
    if (gradient.empty()) return figures;
    *loss += sum + recipe_.texture_weight * figures.texture;
    std::vector<float> by_out(pass.out.size());
    const auto sign = [](float x) { return static_cast<float>((x > 0) - (x < 0)); };
    constexpr float kShare = 1.0F / kValues;
    for (std::size_t v = 0; v < kMeshVertices; ++v) {
      for (std::size_t c = 0; c < 3; ++c) {
        by_out[6 * v + c] = kShare * ChebyshevDecoder::kShapeStep * sign(off_shape[3 * v + c]);
        by_out[6 * v + 3 + c] = kShare * recipe_.texture_weight * ChebyshevDecoder::kTextureStep *
                                sign(off_texture[3 * v + c]);
      }
    }
    add_decoder_gradient(net_, values_, codes, pass, by_out, gradient);
    return figures;
  }

  double learn(int at) {
    Random random = Random::of(options_.seed, at);
    const std::vector<std::size_t> order = shuffled(shapes_.count, random);
    std::vector<std::size_t> texture(order.size());
    for (std::size_t& t : texture) t = static_cast<std::size_t>(random.below(textures_.count));
    const Epoch epoch = {.name = fmt::format("epoch {}", at + 1),
                         .number = at,
                         .at = at,
                         .of = recipe_.epochs,
                         .learning_rate = recipe_.learning_rate,
                         .samples = order.size(),
                         .max_batch = static_cast<std::size_t>(recipe_.batch)};
    const auto loss_of = [&](std::size_t first, std::size_t count) {
      std::vector<double> losses(PartGradients::kParts);
      gradients_(options_.threads, count, run_.gradient(),
                 [&](std::size_t i, std::size_t part, std::span<float> gradient) {
                   const std::size_t s = order[first + i];
                   const std::size_t t = texture[first + i];
                   sample(shapes_.value(s), shapes_.code(s), textures_.value(t), textures_.code(t),
                          false, gradient, &losses[part]);
                 });
      return std::accumulate(losses.begin(), losses.end(), 0.0);
    };
    return run_.learn(epoch, loss_of) / static_cast<double>(epoch.steps() * epoch.batch());
  }

  MeshDecoderFigures judge(bool linear_alone) const {
    std::vector<MeshDecoderFigures> all(std::max(judged_shapes_.count, judged_textures_.count));
    for_each_item(options_.threads, all.size(), [&](std::size_t i, std::size_t) {
      const std::size_t s = i % judged_shapes_.count;
      const std::size_t t = i % judged_textures_.count;
      all[i] = sample(judged_shapes_.value(s), judged_shapes_.code(s), judged_textures_.value(t),
                      judged_textures_.code(t), linear_alone, {}, nullptr);
    });
    MeshDecoderFigures mean;
    for (const MeshDecoderFigures& one : all) {
      mean.shape += one.shape / static_cast<double>(all.size());
      mean.texture += one.texture / static_cast<double>(all.size());
    }
    return mean;
  }

  /// What must be the same for a run to go on.
  std::string description(const graph::Weights& linear, const graph::Weights& samples) const {
    return to_toml(recipe_) +
           fmt::format("# linear decoder {:08x}\n# samples {:08x}, {} shapes, {} textures\n",
                       checksum(linear), checksum(samples), shapes_.count, textures_.count);
  }

  void write_decoder() const {
    graph::Weights weights;
    for (const ChebyshevDecoder::Part& part : net_.parts()) {
      graph::Tensor tensor = graph::Tensor::of_shape(part.shape);
      std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(part.offset), part.size,
                  tensor.values().begin());
      weights.tensors.emplace(part.name, std::move(tensor));
    }
    graph::write_safetensors(options_.out / kLastFile, weights);
  }

  const MeshDecoderRecipe& recipe_;
  const MeshDecoderTrainingOptions& options_;
  mesh::Decoder linear_;
  ChebyshevDecoder net_;
  Samples shapes_;
  Samples textures_;
  Samples judged_shapes_;
  Samples judged_textures_;
  std::vector<float> values_;
  PartGradients gradients_;
  EpochRun run_;
};

}  // namespace

void add_decoder_gradient(const ChebyshevDecoder& decoder, std::span<const float> values,
                          std::span<const float> codes, const ChebyshevDecoder::Pass& pass,
                          std::span<const float> by_out, std::span<float> gradient) {
  const std::size_t channels = decoder.channels();
  const auto own = [&](ChebyshevDecoder::Parts which) {
    const ChebyshevDecoder::Part& part = decoder.parts()[which];
    return gradient.subspan(part.offset, part.size);
  };
  add_columns(by_out, own(ChebyshevDecoder::kThirdBias));
  std::vector<float> by_h2(pass.h2.size());
  add_chebyshev_gradient(decoder.fine(), pass.h2, channels,
                         decoder.part(ChebyshevDecoder::kThird, values), ChebyshevDecoder::kOutputs,
                         decoder.order(), by_out, by_h2, own(ChebyshevDecoder::kThird));
  by_h2 = elu_gradient(pass.h2, std::move(by_h2));
  add_columns(by_h2, own(ChebyshevDecoder::kSecondBias));
  std::vector<float> by_upsampled(pass.upsampled.size());
  add_chebyshev_gradient(decoder.fine(), pass.upsampled, channels,
                         decoder.part(ChebyshevDecoder::kSecond, values), channels, decoder.order(),
                         by_h2, by_upsampled, own(ChebyshevDecoder::kSecond));
  std::vector<float> by_h1(pass.h1.size());
  const auto& rows = mesh::topology().upsampling[0];
  for (std::size_t v = 0; v < rows.size(); ++v) {
    for (std::size_t i = 0; i < 3; ++i) {
      mesh::add_rows({&rows[v].weights[i], 1},
                     std::span<const float>(by_upsampled).subspan(v * channels, channels),
                     std::span(by_h1).subspan(rows[v].vertices[i] * channels, channels));
    }
  }
  by_h1 = elu_gradient(pass.h1, std::move(by_h1));
  add_columns(by_h1, own(ChebyshevDecoder::kFirstBias));
  std::vector<float> by_h0(pass.h0.size());
  add_chebyshev_gradient(decoder.coarse(), pass.h0, channels,
                         decoder.part(ChebyshevDecoder::kFirst, values), channels, decoder.order(),
                         by_h1, by_h0, own(ChebyshevDecoder::kFirst));
  by_h0 = elu_gradient(pass.h0, std::move(by_h0));
  const std::span<float> by_weight = own(ChebyshevDecoder::kWeight);
  const std::span<float> by_bias = own(ChebyshevDecoder::kBias);
  for (std::size_t i = 0; i < by_h0.size(); ++i) {
    by_bias[i] += by_h0[i];
    mesh::add_rows({&by_h0[i], 1}, codes, by_weight.subspan(i * codes.size(), codes.size()));
  }
}

bool is_mesh_decoder_recipe(const std::filesystem::path& path) {
  return recipe_has(path, "decoder");
}

MeshDecoderRecipe read_mesh_decoder_recipe(const std::filesystem::path& path,
                                           std::span<const std::string> changes) {
  return recipe_in<MeshDecoderRecipe>(path, changes, kDescribe);
}

std::string to_toml(const MeshDecoderRecipe& recipe) {
  return recipe_toml(recipe, kDescribe);
}

bool train_mesh_decoder(const MeshDecoderRecipe& recipe, const graph::Weights& linear,
                        const graph::Weights& samples, const MeshDecoderTrainingOptions& options) {
  check_folder_of_mesh_run(options.out, options.resume);
  return MeshDecoderTrainer(recipe, linear, samples, options).run();
}

}  // namespace retinaface::training
