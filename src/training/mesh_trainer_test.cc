#include "training/mesh_trainer.h"

#include <atomic>
#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "retinaface/retinaface.h"

#include "base/file.h"
#include "base/folder_lock.h"
#include "base/random.h"
#include "models/catalogue.h"
#include "models/load_model.h"
#include "support/testing.h"
#include "training/mesh_decoder_trainer.h"

namespace retinaface::training {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// What is written by a run that is stopped after `epochs` of its epochs and goes on, and what by
/// one that is not, has to be the same.
template <typename Options, typename Run>
void expect_resumed_bit_for_bit(Options options, int epochs, const Run& run) {
  const TemporaryFolder folder;
  options.out = folder / "straight";
  EXPECT_TRUE(run(options));
  std::atomic<bool> stop = false;
  int done = 0;
  Options stopped = options;
  stopped.out = folder / "stopped";
  stopped.stop = &stop;
  stopped.progress = [&](const auto& progress) {
    if (progress.epoch > 0 && ++done == epochs) stop = true;
  };
  EXPECT_FALSE(run(stopped));
  EXPECT_FALSE(std::filesystem::exists(stopped.out / "last.safetensors"));
  stop = false;
  stopped.resume = true;
  stopped.threads = 2;  // which must not matter
  EXPECT_TRUE(run(stopped));
  for (const char* file : {"last.safetensors", "metrics.jsonl"}) {
    EXPECT_EQ(read_file(stopped.out / file), read_file(options.out / file)) << file;
  }
  stopped.resume = false;
  EXPECT_THAT(error_of([&] { run(stopped); }).what(), HasSubstr("holds a run already"));
  stopped.resume = true;
  stopped.seed = 2;
  EXPECT_THAT(error_of([&] { run(stopped); }).what(),
              HasSubstr("checkpoint.safetensors: is of a run with the seed 1, not 2"));
}

TEST(MeshTrainer, GoesOnBitForBit) {
  const models::LoadedModel model = models::load_builtin_model(models::kDefaultModel);
  DetectOptions detect;
  detect.mesh = true;
  detect.min_score = 0.5F;
  std::vector<dataset::MeshLabel> labels;
  for (const char* name : {"hopper.jpg", "portrait.jpg"}) {
    for (const Face& face :
         Detector().detect(read_image(testing::sample_folder() / name), detect)) {
      dataset::MeshLabel label;
      label.image = name;
      label.box = face.box;
      label.landmarks = face.landmarks;
      label.points_68 = landmarks_68(*face.mesh);
      labels.push_back(label);
    }
  }
  ASSERT_GE(labels.size(), 2U);
  labels.push_back(labels.back());
  labels.back().is_test = true;
  MeshRecipe recipe;
  recipe.variants = 2;
  recipe.batch = 2;
  recipe.points = {2, 1e-3F};
  recipe.colors = {1, 1e-3F};
  recipe.all = {2, 1e-3F};
  MeshTrainingOptions options;
  options.images = testing::sample_folder();
  const auto run = [&](const MeshTrainingOptions& how) {
    return train_mesh(recipe, model, model.mesh, labels, how).finished;
  };
  // Within a stage, and between two.
  expect_resumed_bit_for_bit(options, 1, run);
  expect_resumed_bit_for_bit(options, 3, run);

  // Not with other targets.
  recipe.points = {1, 1e-3F};
  recipe.colors = {0, 1e-3F};
  recipe.all = {0, 1e-3F};
  const TemporaryFolder folder;
  options.out = folder / "run";
  EXPECT_TRUE(run(options));
  options.resume = true;
  const auto difference = [&](const MeshRecipe& how, const graph::Weights& decoder,
                              const std::vector<dataset::MeshLabel>& which) {
    return std::string(error_of([&] { train_mesh(how, model, decoder, which, options); }).what());
  };
  MeshRecipe five = recipe;
  five.all_points = false;
  EXPECT_THAT(difference(five, model.mesh, labels),
              HasSubstr("expected 'all_points = false', found 'all_points = true'"));
  graph::Weights decoder = model.mesh.clone();
  decoder.tensors.at("mesh.shape.mean").values()[0] += 1e-3F;
  EXPECT_THAT(difference(recipe, decoder, labels), HasSubstr("expected '# decoder "));
  std::vector<dataset::MeshLabel> moved = labels;
  moved.front().points_68->front().x += 0.5F;
  EXPECT_THAT(difference(recipe, model.mesh, moved), HasSubstr("expected '# labels "));
  EXPECT_TRUE(run(options)) << "what is the same goes on";
}

graph::Tensor normal_tensor(std::vector<std::int64_t> shape, double deviation, Random& random) {
  graph::Tensor tensor = graph::Tensor::of_shape(std::move(shape));
  for (float& value : tensor.values()) value = static_cast<float>(random.normal() * deviation);
  return tensor;
}

/// Shapes and textures that the linear decoder makes of random codes, and a little more.
graph::Weights some_samples(const mesh::Decoder& linear, std::int64_t count) {
  Random random(4);
  graph::Weights samples;
  constexpr auto kValues = static_cast<std::int64_t>(3 * kMeshVertices);
  for (const std::string part : {"learnt.", "judged."}) {
    for (const bool is_shape : {true, false}) {
      const std::size_t size = is_shape ? mesh::kShapeCodes : mesh::kTextureCodes;
      graph::Tensor codes = normal_tensor({count, static_cast<std::int64_t>(size)}, 1, random);
      graph::Tensor values = normal_tensor({count, kValues}, 1e-3, random);
      std::vector<mesh::Vector> mean;
      std::vector<mesh::Vector> made;
      const auto decode = [&](std::span<const float> of, std::vector<mesh::Vector>& out) {
        is_shape ? linear.shape(of, out) : linear.texture(of, out);
      };
      decode(std::vector<float>(size), mean);
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        decode(codes.values().subspan(i * size, size), made);
        for (std::size_t v = 0; v < kMeshVertices; ++v) {
          const mesh::Vector off = made[v] - mean[v];
          float* const to = values.values().data() + 3 * (i * kMeshVertices + v);
          to[0] += off.x;
          to[1] += off.y;
          to[2] += off.z;
        }
      }
      const std::string name = part + (is_shape ? "shape" : "texture");
      samples.tensors.emplace(name, std::move(values));
      samples.tensors.emplace(name + "_codes", std::move(codes));
    }
  }
  return samples;
}

TEST(MeshDecoderTrainer, LearnsAndGoesOnBitForBit) {
  const graph::Weights linear = models::load_builtin_model(models::kDefaultModel).mesh;
  const graph::Weights samples = some_samples(mesh::Decoder(linear, "test"), 16);
  MeshDecoderRecipe recipe;
  recipe.channels = 4;
  recipe.batch = 8;
  recipe.epochs = 6;
  recipe.learning_rate = 1e-2F;
  std::vector<double> losses;
  MeshDecoderTrainingOptions options;
  options.progress = [&](const MeshDecoderProgress& progress) {
    losses.push_back(progress.loss);
    EXPECT_LT(progress.linear.shape, 3e-3);
  };
  expect_resumed_bit_for_bit(options, 2, [&](const MeshDecoderTrainingOptions& how) {
    return train_mesh_decoder(recipe, linear, samples, how);
  });
  ASSERT_GE(losses.size(), 6U);
  EXPECT_LT(losses[5], 0.9 * losses[0]);
  {
    // Not from other samples or another linear decoder.
    const TemporaryFolder folder;
    MeshDecoderRecipe brief = recipe;
    brief.epochs = 1;
    MeshDecoderTrainingOptions again;
    again.out = folder / "run";
    EXPECT_TRUE(train_mesh_decoder(brief, linear, samples, again));
    again.resume = true;
    const auto difference = [&](const graph::Weights& decoder, const graph::Weights& from) {
      return std::string(error_of([&] { train_mesh_decoder(brief, decoder, from, again); }).what());
    };
    graph::Weights other = samples.clone();
    other.tensors.at("learnt.shape").values()[0] += 1e-3F;
    EXPECT_THAT(difference(linear, other), HasSubstr("expected '# samples "));
    other = linear.clone();
    other.tensors.at("mesh.shape.mean").values()[0] += 1e-3F;
    EXPECT_THAT(difference(other, samples), HasSubstr("expected '# linear decoder "));
    const FolderLock lock(again.out);
    EXPECT_THAT(difference(linear, samples), HasSubstr("another run writes into it"));
  }
  // What the linear decoder leaves is small from the start.
  recipe.residual = true;
  recipe.epochs = 1;
  const TemporaryFolder folder;
  options.out = folder / "residual";
  losses.clear();
  EXPECT_TRUE(train_mesh_decoder(recipe, linear, samples, options));
  EXPECT_LT(losses.front(), 0.05);
  recipe.learning_rate = 1e6F;
  options.out = folder / "exploding";
  EXPECT_THAT(error_of([&] { train_mesh_decoder(recipe, linear, samples, options); }).what(),
              HasSubstr("epoch 1: the loss explodes"));
  EXPECT_FALSE(std::filesystem::exists(folder / "exploding/checkpoint.safetensors"));
  graph::Weights spoilt = some_samples(mesh::Decoder(linear, "test"), 2);
  spoilt.tensors.erase("judged.texture_codes");
  options.out = folder / "spoilt";
  EXPECT_THAT(error_of([&] { train_mesh_decoder(recipe, linear, spoilt, options); }).what(),
              HasSubstr("expected the tensors judged.texture"));
}

TEST(MeshDecoderTrainer, GradientIsThatOfDifferences) {
  const mesh::ChebyshevDecoder decoder(3, 3);
  Random random(6);
  std::vector<float> values(decoder.size());
  for (float& value : values) value = static_cast<float>(0.3 * random.normal());
  std::vector<float> codes(mesh::kCodes);
  for (float& code : codes) code = static_cast<float>(random.normal());
  std::vector<float> by_out(kMeshVertices * mesh::ChebyshevDecoder::kOutputs);
  for (float& value : by_out) value = static_cast<float>(random.normal());
  const auto loss = [&] {
    const auto pass = decoder.forward(values, codes);
    double sum = 0;
    for (std::size_t i = 0; i < by_out.size(); ++i) sum += double{pass.out[i]} * by_out[i];
    return sum;
  };
  std::vector<float> gradient(values.size());
  add_decoder_gradient(decoder, values, codes, decoder.forward(values, codes), by_out, gradient);
  for (const mesh::ChebyshevDecoder::Part& part : decoder.parts()) {
    double product = 0;
    double ours = 0;
    double theirs = 0;
    for (std::size_t i = part.offset; i < part.offset + part.size; i += 1 + part.size / 150) {
      const float kept = values[i];
      constexpr float kStep = 2e-2F;
      values[i] = kept + kStep;
      const double above = loss();
      values[i] = kept - kStep;
      const double difference = (above - loss()) / (2.0 * kStep);
      values[i] = kept;
      product += difference * gradient[i];
      ours += double{gradient[i]} * gradient[i];
      theirs += difference * difference;
    }
    EXPECT_GE(product / std::sqrt(ours * theirs), 0.9999) << part.name;
    EXPECT_NEAR(std::sqrt(ours / theirs), 1, 0.02) << part.name;
  }
}

}  // namespace
}  // namespace retinaface::training
