#pragma once

/// dav1d behind libheif 1.15 forgets 40 bytes of a picture whose data are empty; LeakSanitizer asks
/// this function what to pass over. For one source file of a program.
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() {
  return "leak:libdav1d.so";
}
