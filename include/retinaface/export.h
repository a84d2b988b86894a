#pragma once

/*
 * RETINAFACE_API marks what the library shows to the outside; all else in it is hidden.
 * RETINAFACE_STATIC is defined by programs that link the static library; the CMake target and
 * `pkg-config --static` see to it. RETINAFACE_BUILDING is defined while the library is compiled.
 */
#if defined(RETINAFACE_STATIC)
#define RETINAFACE_API
#elif defined(_WIN32) || defined(__CYGWIN__)
#if defined(RETINAFACE_BUILDING)
#define RETINAFACE_API __declspec(dllexport)
#else
#define RETINAFACE_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) || defined(__clang__)
#define RETINAFACE_API __attribute__((visibility("default")))
#else
#define RETINAFACE_API
#endif
