#pragma once

#include <optional>
#include <vector>

#include "retinaface/geometry.h"
#include "retinaface/image.h"

#include "base/random.h"
#include "dataset/annotation.h"

// What happens to an image and its faces before a network learns from them, as steps that can be
// composed. Each draws its chances from the generator that it is given and from nothing else.
namespace retinaface::dataset {

struct Sample {
  Image image;
  std::vector<AnnotatedFace> faces;  ///< in pixels of the image
  Image clear{};                     ///< what a degraded image was before; else empty
};

struct CropOptions {
  /// Sides of the square, as parts of the image's shorter side; the crop may reach over the
  /// image's edge when it is longer than a side.
  float min_side = 0.3F;
  float max_side = 1;
  /// How often the square is laid around a face so that this comes out at a chosen size, instead of
  /// anywhere (after the data-anchor sampling of PyramidBox, Tang et al. 2018): the sizes of faces
  /// in training are then those wanted, not those of the images.
  float around_face = 0;
  /// The largest such square, as a part of the image's shorter side. Over 1, small faces come of
  /// images that hold a large one alone.
  float around_face_max_side = 1;
  /// Range of that size in the network's input, evenly by its logarithm.
  float min_face_px = 12;
  float max_face_px = 320;
  /// Crops without a face are drawn again this often.
  int tries = 50;
};

/// A square to cut out, in pixels of the image. Its corners are whole numbers. The result is a
/// square of `side_px`; `faces` are those of the image.
Box choose_crop(int width, int height, const std::vector<AnnotatedFace>& faces,
                const CropOptions& options, int side_px, Random& random);

/// Cuts the square out and resizes it to side_px x side_px; what lies outside the image gets the
/// gray value `fill`. Faces whose centre is inside stay, clipped to the crop; points stay where
/// they are, inside or out. Faces that nothing is left of go.
Sample crop(const Sample& sample, const Box& square, int side_px, std::uint8_t fill = 128);

/// The faces that crop() keeps, without the pixels.
std::vector<AnnotatedFace> crop_faces(const std::vector<AnnotatedFace>& faces, const Box& square,
                                      int side_px);

/// Mirrors left and right, and exchanges the points that change sides: [1, 0, 2, 4, 3].
void flip(Sample& sample);

/// Turns the image about its middle by `radians`, from x towards y; what comes in is black. A
/// face counts as the ellipse in its box, and its new box is that of the turned ellipse, clipped to
/// the image; points stay with their part of the face. Faces whose centre leaves the image go.
void turn(Sample& sample, float radians);

/// Marks faces whose shorter side is below this as ignored.
void ignore_small_faces(std::vector<AnnotatedFace>& faces, float min_px);

/// Ranges of the changes of color, each made with a probability of one half (after SSD, Liu et al.
/// 2016).
struct ColorOptions {
  float brightness = 32;  ///< added to all values, plus or minus
  float contrast = 0.5F;  ///< factor 1 plus or minus
  float saturation = 0.5F;
  float hue_degrees = 18;  ///< rotation of the hue, plus or minus
  float gray = 0;          ///< probability of losing all color
};

void distort_colors(Image& image, const ColorOptions& options, Random& random);

/// As a poor camera sees it in poor light. Each by a half's chance: coarser, resized to no less
/// than 0.4 of its sides and back; darker, 255 (v / 255)^g times 0.2 to 1, g from 1 to 1.8, in up
/// to 16 of stray light; with noise of a standard deviation of up to 12 in each value, nearly
/// normal.
void degrade(Image& image, Random& random);

struct AugmentationOptions {
  CropOptions crop;
  ColorOptions color;
  float flip = 0.5F;        ///< probability
  float turn = 0;           ///< probability
  float turn_degrees = 30;  ///< largest angle, either way
  float degrade = 0;        ///< probability; Sample::clear is then the image before
  float min_face_px = 0;    ///< smaller ones, after the crop, are ignored
};

/// All steps: crop to side_px, flip, turn, colors, degradation, small faces.
Sample augment(const Sample& sample, const AugmentationOptions& options, int side_px,
               Random& random);

}  // namespace retinaface::dataset
