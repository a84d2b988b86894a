# Every foreign library, as one imported target each. doc/dependencies.md says what each is for.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(dnnl REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)

pkg_check_modules(turbojpeg REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(spng REQUIRED IMPORTED_TARGET spng)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(tiff REQUIRED IMPORTED_TARGET libtiff-4)
# Loaded when met, never linked: only its header is needed.
find_path(HEIF_INCLUDE_DIR libheif/heif.h REQUIRED)
pkg_check_modules(exif REQUIRED IMPORTED_TARGET libexif)

# Highway's headers alone (src/base/simd.h says why).
find_path(HWY_INCLUDE_DIR hwy/highway.h REQUIRED)
add_library(hwy INTERFACE)
target_include_directories(hwy SYSTEM INTERFACE ${HWY_INCLUDE_DIR})

find_path(STB_INCLUDE_DIR stb/stb_image.h REQUIRED)
add_library(stb INTERFACE)
target_include_directories(stb SYSTEM INTERFACE ${STB_INCLUDE_DIR})
