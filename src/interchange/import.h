#pragma once

#include <filesystem>

#include "graph/weights.h"
#include "interchange/checkpoint.h"
#include "models/catalogue.h"

namespace retinaface::interchange {

/// What is wanted of a checkpoint.
enum class Part {
  kWhole,     ///< all of the model's parameters, and nothing else
  kBackbone,  ///< those of the model's backbone; the checkpoint may be a classifier's
};

/// The catalogue's row whose parameters are the checkpoint's: the one that its metadata names, or
/// the default model, or the first one, in this order, among those that fit. (Several fit where
/// only their common backbone is asked for.) Throws Error(kBadData) with the path when none fits:
/// what keeps it from being the default model.
const models::Model& model_of(const PyTorchCheckpoint& checkpoint, Part part);

/// The checkpoint as weights of a model, with the model's metadata. Names lose a "module." before
/// them, counters of batches (num_batches_tracked) are dropped. For a part, names get the
/// backbone's prefix where none has it, and what is no part of the backbone by its name is dropped:
/// the classifier (fc), or the rest of a detector. A classifier's first convolution takes over what
/// its images were divided by (models::NetworkSpec::classifier_deviation). Every other missing,
/// extra or mis-shaped tensor is named in the Error(kBadData) that is thrown.
graph::Weights import_checkpoint(const PyTorchCheckpoint& checkpoint, const models::Model& model,
                                 Part part);

/// Reads the file and imports it as what model_of says.
graph::Weights import_checkpoint(const std::filesystem::path& path, const models::Model& model,
                                 Part part);

}  // namespace retinaface::interchange
