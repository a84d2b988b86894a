# Every foreign library, as one imported target each. doc/dependencies.md says what each is for.
# Seen from everywhere, so that a project that takes this one in by add_subdirectory can link.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(dnnl REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

pkg_check_modules(turbojpeg REQUIRED IMPORTED_TARGET GLOBAL libturbojpeg)
pkg_check_modules(spng REQUIRED IMPORTED_TARGET GLOBAL spng)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET GLOBAL libwebp libwebpdemux)
pkg_check_modules(tiff REQUIRED IMPORTED_TARGET GLOBAL libtiff-4)
# Loaded when met, never linked: only the headers are needed.
find_path(HEIF_INCLUDE_DIR libheif/heif.h REQUIRED)
find_path(LCMS_INCLUDE_DIR lcms2.h REQUIRED)
find_path(JXL_INCLUDE_DIR jxl/decode.h REQUIRED)
pkg_check_modules(openjpeg REQUIRED libopenjp2)  # for the folder of its headers, which has a version
add_library(rf_openjpeg INTERFACE)
target_include_directories(rf_openjpeg SYSTEM INTERFACE ${openjpeg_INCLUDE_DIRS})
find_path(AV_INCLUDE_DIR libavformat/avformat.h REQUIRED PATH_SUFFIXES ffmpeg)
find_path(SWSCALE_INCLUDE_DIR libswscale/swscale.h REQUIRED PATH_SUFFIXES ffmpeg)
add_library(rf_libav INTERFACE)
target_include_directories(rf_libav SYSTEM INTERFACE ${AV_INCLUDE_DIR} ${SWSCALE_INCLUDE_DIR})
pkg_check_modules(exif REQUIRED IMPORTED_TARGET GLOBAL libexif)

# Highway's headers alone (src/base/simd.h says why).
find_path(HWY_INCLUDE_DIR hwy/highway.h REQUIRED)
add_library(rf_hwy INTERFACE)
target_include_directories(rf_hwy SYSTEM INTERFACE ${HWY_INCLUDE_DIR})

find_path(STB_INCLUDE_DIR stb/stb_image.h REQUIRED)
add_library(rf_stb INTERFACE)
target_include_directories(rf_stb SYSTEM INTERFACE ${STB_INCLUDE_DIR})

# What who links the static library links as well; cmake/retinaface-config.cmake.in finds them.
set(RETINAFACE_LIBRARY_DEPENDENCIES
    DNNL::dnnl PkgConfig::turbojpeg PkgConfig::spng PkgConfig::webp PkgConfig::tiff PkgConfig::exif
    fmt::fmt OpenMP::OpenMP_CXX Threads::Threads ${CMAKE_DL_LIBS})

if(NOT RETINAFACE_PROGRAM)
  set(RETINAFACE_WITH_TRAINING OFF)
  return()
endif()

find_package(CLI11 REQUIRED)
find_package(Boost 1.74 REQUIRED)  # headers alone: Beast and Asio
find_package(ZLIB REQUIRED)
find_package(tinyxml2 REQUIRED)
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_writer.hpp REQUIRED)
add_library(rf_protozero INTERFACE)
target_include_directories(rf_protozero SYSTEM INTERFACE ${PROTOZERO_INCLUDE_DIR})

# The trainer alone needs these. libtorch's headers warn, so they are system headers; its own flags
# (an old -std, -D_GLIBCXX_USE_CXX11_ABI) are not taken over.
set(RETINAFACE_WITH_TRAINING ${RETINAFACE_TRAINING})
# Debian's libtorch names members of a vector before its elements are a complete type. Clang makes those
# that are constexpr at once, as they are from libstdc++ 12 on, and fails: it takes GCC 11's headers,
# whose classes are the same in memory.
set(gcc_for_clang /usr/lib/gcc/${CMAKE_CXX_LIBRARY_ARCHITECTURE}/11)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NOT EXISTS ${gcc_for_clang}/libstdc++.a)
  set(no_libtorch_by_clang ON)
endif()
if(RETINAFACE_LIBTORCH)
  # Such as PyPI's: its CMake package asks for a CUDA toolkit, its libraries are all that is needed.
  find_package(toml11 REQUIRED)
  find_file(RETINAFACE_LIBTORCH_CPU libtorch_cpu.so PATHS ${RETINAFACE_LIBTORCH}/lib REQUIRED
            NO_DEFAULT_PATH)
  set(RETINAFACE_WITH_TRAINING ON)
  # Its own headers alone: beside them lie others of fmt and oneDNN than those we link.
  set(TORCH_INCLUDE_DIRS ${PROJECT_BINARY_DIR}/libtorch)
  file(MAKE_DIRECTORY ${TORCH_INCLUDE_DIRS})
  foreach(folder ATen c10 torch)
    file(CREATE_LINK ${RETINAFACE_LIBTORCH}/include/${folder} ${TORCH_INCLUDE_DIRS}/${folder}
         SYMBOLIC)
  endforeach()
  # What supports other devices registers itself when it is loaded; nothing of it is called by name.
  # One argument, so that its parts stay together.
  set(TORCH_LIBRARIES -Wl,--push-state,--no-as-needed)
  foreach(name torch_cpu c10 torch_cuda c10_cuda torch_xpu c10_xpu)
    if(EXISTS ${RETINAFACE_LIBTORCH}/lib/lib${name}.so)
      string(APPEND TORCH_LIBRARIES ,-l${name})
    endif()
  endforeach()
  string(APPEND TORCH_LIBRARIES ,--pop-state)
  add_link_options(-L${RETINAFACE_LIBTORCH}/lib -Wl,-rpath,${RETINAFACE_LIBTORCH}/lib)
  # The libraries of the GPU's maker need not be on the machine that builds.
  add_link_options(-Wl,--unresolved-symbols=ignore-in-shared-libs)
elseif(RETINAFACE_TRAINING STREQUAL "AUTO")
  find_package(Torch QUIET)
  find_package(toml11 QUIET)
  if(TORCH_FOUND AND toml11_FOUND AND NOT no_libtorch_by_clang)
    set(RETINAFACE_WITH_TRAINING ON)
  else()
    set(RETINAFACE_WITH_TRAINING OFF)
    message(STATUS "Without the trainer: libtorch-dev, libtoml11-dev or, for clang, libstdc++-11-dev "
                   "is not installed")
  endif()
elseif(RETINAFACE_TRAINING)
  if(no_libtorch_by_clang)
    message(FATAL_ERROR "For the trainer clang needs libstdc++-11-dev, which is not installed")
  endif()
  find_package(Torch REQUIRED)
  find_package(toml11 REQUIRED)
endif()
if(RETINAFACE_WITH_TRAINING)
  add_library(rf_libtorch INTERFACE)
  target_include_directories(rf_libtorch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  # at::parallel_for is inline, and a plain loop where it is compiled without OpenMP.
  target_link_libraries(rf_libtorch INTERFACE ${TORCH_LIBRARIES} OpenMP::OpenMP_CXX)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND NOT RETINAFACE_LIBTORCH)
    target_compile_options(rf_libtorch INTERFACE --gcc-install-dir=${gcc_for_clang})
  endif()
  # c10d's headers include Gloo's; without them the trainer is one process.
  if(NOT RETINAFACE_LIBTORCH)  # the system's Gloo is not of another libtorch's version
    find_path(GLOO_INCLUDE_DIR gloo/context.h)
    find_library(GLOO_LIBRARY gloo)
  endif()
endif()
