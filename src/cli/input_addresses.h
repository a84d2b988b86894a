#pragma once

#include <vector>

#include "pipeline/inputs.h"

namespace retinaface::cli {

/// Gives each input that is an address, and not read as one, a problem that says what to do
/// instead. `takes_streams`: addresses without a problem are videos that the command reads.
void explain_addresses(std::vector<pipeline::Input>& inputs, bool takes_streams);

}  // namespace retinaface::cli
