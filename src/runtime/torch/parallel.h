#pragma once

#include <ATen/Parallel.h>

// at::parallel_for is a template: it uses threads only in files that are compiled with OpenMP.
#ifndef _OPENMP
#error "at::parallel_for uses one thread only where it is compiled without OpenMP"
#endif
