#pragma once

/*
 * The detector in C. Conventions:
 * - Pixels, frames and units are those of the C++ headers: x right, y down, the image's corner at
 *   (0, 0), boxes half-open. Landmarks: left eye, right eye, nose tip, left and right mouth corner,
 *   as seen in the image.
 * - What can fail returns an rf_status; RF_OK is 0. rf_last_error() then has one line that says
 *   what was expected and what was found, of the calling thread's last failure.
 * - On success *result is an object to give back with the matching rf_..._free(), which takes NULL;
 *   on failure *result is NULL.
 * - No exception leaves the library; running out of memory is RF_OUT_OF_MEMORY.
 * - A detector may be used by any number of threads at once; each call uses one core.
 */

#include <stddef.h>
#include <stdint.h>

#include "retinaface/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  RF_OK = 0,
  RF_INVALID_ARGUMENT, /* an argument outside its documented range, or NULL */
  RF_NOT_FOUND,        /* a file or model that does not exist */
  RF_UNREADABLE,       /* the operating system refused to read */
  RF_BAD_DATA,         /* truncated, corrupt or mis-shaped content */
  RF_UNSUPPORTED,      /* valid content of a kind that this build does not handle */
  RF_TOO_LARGE,        /* an image of more pixels than are allowed */
  RF_OUT_OF_MEMORY,
  RF_INTERNAL_ERROR /* a mistake of the library's own */
} rf_status;

typedef enum { RF_RGB, RF_BGR, RF_RGBA, RF_BGRA, RF_GRAY } rf_pixel_format;

/* An image that the caller owns: height rows of width pixels of 8 bits a channel, stride bytes
 * from one row to the next. */
typedef struct {
  const uint8_t* data;
  int32_t width;
  int32_t height;
  ptrdiff_t stride;
  int32_t format; /* an rf_pixel_format */
} rf_image_view;

typedef struct {
  float x;
  float y;
} rf_point;

typedef struct {
  float score;          /* probability of being a face, 0 to 1 */
  float x0, y0, x1, y1; /* box, in pixels of the image */
  rf_point landmarks[5];
} rf_face;

/* Start from rf_default_options(). */
typedef struct {
  float min_score; /* faces below are dropped; 0 to 1 */
  float nms_iou;   /* of two boxes that overlap by more than this only the better stays; 0 to 1 */
  const float* scales; /* factors to resize the image by, each over 0 and up to 16 */
  size_t scale_count;  /* 0: what faces of all sizes need */
} rf_detect_options;

typedef struct rf_detector rf_detector;
typedef struct rf_image rf_image;
typedef struct rf_faces rf_faces;

/* "MAJOR.MINOR.PATCH" of the library that is linked. */
RETINAFACE_API const char* rf_version(void);

/* Of the calling thread's last failure; "" before the first. Valid until its next failure. */
RETINAFACE_API const char* rf_last_error(void);

RETINAFACE_API rf_detect_options rf_default_options(void);

/* model: path of a .safetensors file or name of a model, as for Detector (detector.h); NULL for the
   default model. */
RETINAFACE_API rf_status rf_detector_new(const char* model, rf_detector** result);
RETINAFACE_API void rf_detector_free(rf_detector* detector);

/* Faces by falling score; none is no failure. options may be NULL. */
RETINAFACE_API rf_status rf_detect(const rf_detector* detector, const rf_image_view* image,
                                   const rf_detect_options* options, rf_faces** result);
RETINAFACE_API size_t rf_faces_count(const rf_faces* faces);
/* The first of rf_faces_count() faces in a row; NULL when there are none. */
RETINAFACE_API const rf_face* rf_faces_data(const rf_faces* faces);
RETINAFACE_API void rf_faces_free(rf_faces* faces);

/* Decodes an image file of any format that the library reads and turns it upright. */
RETINAFACE_API rf_status rf_image_read(const char* path, rf_image** result);
/* Valid as long as the image. */
RETINAFACE_API rf_image_view rf_image_get_view(const rf_image* image);
RETINAFACE_API void rf_image_free(rf_image* image);

#ifdef __cplusplus
}
#endif
