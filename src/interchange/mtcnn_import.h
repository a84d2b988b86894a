#pragma once

#include "interchange/checkpoint.h"
#include "models/load_model.h"

namespace retinaface::interchange {

/// Whether the checkpoint's tensors have the names of MTCNN's three networks.
bool is_mtcnn(const PyTorchCheckpoint& checkpoint);

/// The weights of P-, R- and O-Net as the model models::mtcnn(), whose metadata describe it.
/// Tensors are called NETWORK.LAYER.weight and .bias, NETWORK.preluN.weight; fully connected layers
/// are (out, in), the inputs counted channel by channel, row by row. They take RGB, (x - 127.5) /
/// 128: the division goes into the first layers, which is exact. Throws Error(kBadData) that names
/// each tensor which is missing, extra or of another shape, kUnsupported for what is a model file
/// already.
models::LoadedModel import_mtcnn(const PyTorchCheckpoint& checkpoint);

}  // namespace retinaface::interchange
