#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/weights.h"
#include "mesh/chebyshev_decoder.h"

namespace retinaface::training {

/// Everything that decides what a training run of a decoder of graph convolutions computes, except
/// the samples, the seed and the linear decoder. doc/mesh.md explains each key.
struct MeshDecoderRecipe {
  int channels = 16;
  int order = 3;  ///< K of the Chebyshev polynomials
  int batch = 32;
  int epochs = 20;
  float learning_rate = 3e-3F;  ///< at its start; falls to a fiftieth by a cosine
  float texture_weight = 3;     ///< of colors' errors against those of shapes
  bool residual = false;        ///< learn what the linear decoder leaves
};

/// Whether the file is a recipe for such a decoder: has a table [decoder]. Throws as
/// read_mesh_decoder_recipe.
bool is_mesh_decoder_recipe(const std::filesystem::path& path);

/// As read_recipe.
MeshDecoderRecipe read_mesh_decoder_recipe(const std::filesystem::path& path,
                                           std::span<const std::string> changes = {});

/// All keys and values: two recipes are the same when their texts are.
std::string to_toml(const MeshDecoderRecipe& recipe);

/// Of a decoder on samples that were not learnt from.
struct MeshDecoderFigures {
  double shape = 0;    ///< mean distance of a vertex, eye distances
  double texture = 0;  ///< mean absolute difference of a color's channel, 0 to 1
};

struct MeshDecoderProgress {
  int epoch = 0;
  int epochs = 0;
  double loss = 0;
  MeshDecoderFigures figures;
  MeshDecoderFigures linear;  ///< the linear decoder's on the same
};

struct MeshDecoderTrainingOptions {
  std::filesystem::path out;  ///< folder
  std::uint64_t seed = 1;
  int threads = 1;
  bool resume = false;
  const std::atomic<bool>* stop = nullptr;  ///< ends the run after an epoch
  std::function<void(const MeshDecoderProgress&)> progress;
};

/// Adds the gradient by the values of `decoder` for one sample, `by_out` being that by Pass::out.
void add_decoder_gradient(const mesh::ChebyshevDecoder& decoder, std::span<const float> values,
                          std::span<const float> codes, const mesh::ChebyshevDecoder::Pass& pass,
                          std::span<const float> by_out, std::span<float> gradient);

/// Trains on samples of tools/mesh/decoder.py --samples: shapes and textures less their means, and
/// the codes that `linear` (the tensors of mesh::Decoder) has for them. Each shape meets a texture
/// by chance in each epoch; the loss is the mean of |xyz| and, by texture_weight, of |rgb|
/// differences. Writes OUT/last.safetensors, the tensors of ChebyshevDecoder::parts, and after each
/// epoch OUT/checkpoint.safetensors and a line of OUT/metrics.jsonl. Returns whether the run ended,
/// rather than being stopped. Throws Error.
bool train_mesh_decoder(const MeshDecoderRecipe& recipe, const graph::Weights& linear,
                        const graph::Weights& samples, const MeshDecoderTrainingOptions& options);

}  // namespace retinaface::training
