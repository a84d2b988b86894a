#pragma once

/*
 * The library in C. Conventions:
 * - Pixels, frames and units are those of the C++ headers: x right, y down, the image's corner at
 *   (0, 0), boxes half-open. Landmarks: left eye, right eye, nose tip, left and right mouth corner,
 *   as seen in the image.
 * - What can fail returns an rf_status; RF_OK is 0. rf_last_error() then has one line that says
 *   what was expected and what was found, of the calling thread's last failure.
 * - On success *result is an object to give back with the matching rf_..._free(), which takes NULL;
 *   on failure *result is NULL.
 * - Options, pixels, bytes and texts that are given stay the caller's and are needed during the
 * call alone.
 * - NULL where an object is needed is RF_INVALID_ARGUMENT; functions that return no status take it
 *   for an object without anything in it. An image that is empty or whose stride is shorter than a
 *   row is RF_INVALID_ARGUMENT; one with a side of over 2^29 - 1 pixels is RF_TOO_LARGE.
 * - Paths and names are as the operating system has them, in UTF-8 as a rule.
 * - Objects named rf_..._options start with the defaults, and NULL stands for the defaults wherever
 *   options are taken. A setter refuses a value outside its range and then changes nothing. They
 *   may grow in later versions, as all types without visible members may; the structs below stay
 *   as they are.
 * - No exception leaves the library; running out of memory is RF_OUT_OF_MEMORY.
 * - A detector and a recogniser may be used by any number of threads at once; each call uses one
 *   core, unless it says otherwise. Any other object is for one thread at a time, but for
 *   rf_video_stop(), which any thread may call.
 */

#include <stddef.h>
#include <stdint.h>

#include "retinaface/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  RF_OK = 0,
  RF_INVALID_ARGUMENT = 1, /* an argument outside its documented range, or NULL */
  RF_NOT_FOUND = 2,        /* a file or model that does not exist */
  RF_UNREADABLE = 3,       /* the operating system refused to read */
  RF_BAD_DATA = 4,         /* truncated, corrupt or mis-shaped content */
  RF_UNSUPPORTED = 5,      /* valid content of a kind that this build does not handle */
  RF_TOO_LARGE = 6,        /* beyond a limit: of pixels, of an image's sides, of a file's bytes */
  RF_OUT_OF_MEMORY = 7,
  RF_INTERNAL_ERROR = 8, /* a mistake of the library's own */
  RF_UNWRITABLE = 9      /* the operating system refused to write */
} rf_status;

/* The order of a pixel's bytes in memory: 3, 3, 4, 4 and 1 of them. Alpha is left out. */
typedef enum { RF_RGB, RF_BGR, RF_RGBA, RF_BGRA, RF_GRAY } rf_pixel_format;

/* An image that the caller owns: height rows of width pixels of 8 bits a channel. data is the first
 * pixel of the top row, stride the bytes from one row to the one below: at least width times the
 * bytes of a pixel, or, for images that are stored bottom row first, at most minus that. */
typedef struct {
  const uint8_t* data;
  int32_t width;
  int32_t height;
  ptrdiff_t stride;
  int32_t format; /* an rf_pixel_format */
} rf_image_view;

/* A position in an image, in pixels. */
typedef struct {
  float x;
  float y;
} rf_point;

/* A face that was found, in pixels of the image that was given. */
typedef struct {
  float score;           /* probability of being a face, 0 to 1 */
  float x0, y0, x1, y1;  /* box: left, top, right and bottom edge; x1 - x0 is its width */
  rf_point landmarks[5]; /* left eye, right eye, nose tip, left and right mouth corner */
} rf_face;

/* In pixels of the image; z is depth in the same unit, larger is farther from the viewer. */
typedef struct {
  float x;
  float y;
  float z;
} rf_mesh_vertex;

/* As the image shows a vertex, light included; 0 to 1. */
typedef struct {
  float red;
  float green;
  float blue;
} rf_mesh_color;

/* How a head is turned, degrees (HeadPose in mesh.h): to the image's right, up, clockwise. */
typedef struct {
  float yaw;
  float pitch;
  float roll;
} rf_pose;

/* A face to be recognised: its five points in pixels of the image. */
typedef struct {
  rf_image_view image;
  rf_point landmarks[5];
} rf_face_in_image;

/* What a face's image is worth to a recogniser: figures from 0 to 1, 1 the best (FaceQuality in
 * face_quality.h), and the pose. */
typedef struct {
  float score;
  float sharpness;
  float size;
  float frontality;
  float spread;
  rf_pose pose;
} rf_face_quality;

typedef struct rf_detector rf_detector;
typedef struct rf_runtime_options rf_runtime_options;
typedef struct rf_detect_options rf_detect_options;
typedef struct rf_faces rf_faces;
typedef struct rf_models rf_models;
typedef struct rf_recognizer rf_recognizer;
typedef struct rf_image rf_image;
typedef struct rf_read_options rf_read_options;
typedef struct rf_tracker rf_tracker;
typedef struct rf_tracker_options rf_tracker_options;
typedef struct rf_video rf_video;
typedef struct rf_video_options rf_video_options;

/* "MAJOR.MINOR.PATCH" of the library that is linked. */
RETINAFACE_API const char* rf_version(void);

/* Of the calling thread's last failure; "" before the first. Valid until its next failure. */
RETINAFACE_API const char* rf_last_error(void);

/* ---- Detection ---- */

/* model: path of a .safetensors file or name of a model, as for Detector (detector.h); NULL for the
 * default model, for which nothing is read. RF_NOT_FOUND, RF_UNREADABLE or RF_BAD_DATA with the
 * path and what is wrong. */
RETINAFACE_API rf_status rf_detector_new(const char* model, rf_detector** result);
/* Of the `size` bytes of a .safetensors file. name stands in for the path in messages; NULL for
 * "model". RF_BAD_DATA or RF_UNSUPPORTED. */
RETINAFACE_API rf_status rf_detector_from_memory(const void* bytes, size_t size, const char* name,
                                                 rf_detector** result);
/* The same two, with the network run as runtime says (NULL: in float32, by the best backend).
 * RF_UNSUPPORTED for what the processor or the model lacks for it, RF_INVALID_ARGUMENT for a type
 * or backend that there is not. */
RETINAFACE_API rf_status rf_detector_new_with(const char* model, const rf_runtime_options* runtime,
                                              rf_detector** result);
RETINAFACE_API rf_status rf_detector_from_memory_with(const void* bytes, size_t size,
                                                      const char* name,
                                                      const rf_runtime_options* runtime,
                                                      rf_detector** result);
RETINAFACE_API void rf_detector_free(rf_detector* detector);

RETINAFACE_API rf_status rf_runtime_options_new(rf_runtime_options** result);
RETINAFACE_API void rf_runtime_options_free(rf_runtime_options* options);
/* The numbers that the network computes in: "float32", "bfloat16", "int8", or "auto", the fastest
 * that the model and the processor have within the bounds of accuracy. Names are checked when a
 * detector is made. */
RETINAFACE_API rf_status rf_runtime_options_set_type(rf_runtime_options* options, const char* type);
/* One of the list of `retinaface models`; "": the first there that can. */
RETINAFACE_API rf_status rf_runtime_options_set_backend(rf_runtime_options* options,
                                                        const char* backend);

RETINAFACE_API rf_status rf_detect_options_new(rf_detect_options** result);
RETINAFACE_API void rf_detect_options_free(rf_detect_options* options);
/* Faces below are dropped; 0 to 1, 0.6 by default. */
RETINAFACE_API rf_status rf_detect_options_set_min_score(rf_detect_options* options, float score);
/* Of two boxes that overlap by more than this IoU only the better stays; 0 to 1, 0.4 by default. */
RETINAFACE_API rf_status rf_detect_options_set_nms_iou(rf_detect_options* options, float iou);
/* Factors to resize the image by, each over 0 and up to 16, which are copied; count 0, the default:
 * what faces of all sizes need (DetectOptions::scales in detector.h). */
RETINAFACE_API rf_status rf_detect_options_set_scales(rf_detect_options* options,
                                                      const float* scales, size_t count);
/* Larger images are worked on in overlapping squares of this side, px, at least 1280, 4096 by
 * default; 0: in one piece, however much memory that takes. */
RETINAFACE_API rf_status rf_detect_options_set_tile(rf_detect_options* options, int32_t side_px);
/* Only this many faces, those of the highest scores; 0, the default: all. */
RETINAFACE_API rf_status rf_detect_options_set_max_faces(rf_detect_options* options, int32_t count);
/* Faces whose box's shorter side has fewer pixels of the image are dropped; 0, the default, or
 * more. */
RETINAFACE_API rf_status rf_detect_options_set_min_size(rf_detect_options* options, float side_px);
/* Not 0: boxes end at the image's edges, and faces whose box lies outside are dropped. */
RETINAFACE_API rf_status rf_detect_options_set_clip_to_image(rf_detect_options* options,
                                                             int32_t clips);
/* Not 0: each face has a mesh; takes a model with a mesh branch, which the default one has. */
RETINAFACE_API rf_status rf_detect_options_set_mesh(rf_detect_options* options, int32_t wanted);
/* Not 0: meshes are brought closer to the image, some milliseconds a face; nothing without
 * rf_detect_options_set_mesh(). */
RETINAFACE_API rf_status rf_detect_options_set_refine_mesh(rf_detect_options* options,
                                                           int32_t refines);
/* Other than 0: find heads that are turned far by a second pass at each face (detector.h). */
RETINAFACE_API rf_status rf_detect_options_set_turned(rf_detect_options* options, int32_t turned);

/* Faces by falling score; none is no failure. Boxes may reach over the image's edge, unless
 * rf_detect_options_set_clip_to_image() says otherwise. RF_UNSUPPORTED where a mesh is asked of a
 * model without a mesh branch. */
RETINAFACE_API rf_status rf_detect(const rf_detector* detector, const rf_image_view* image,
                                   const rf_detect_options* options, rf_faces** result);
/* The same for each of count images, worked on by up to `threads` threads at once (0: one for each
 * core). results has room for count pointers, in the order of the images, each to be freed; on
 * failure all of them are NULL, and the message names the image, "images[4]: ...". */
RETINAFACE_API rf_status rf_detect_batch(const rf_detector* detector, const rf_image_view* images,
                                         size_t count, const rf_detect_options* options,
                                         int32_t threads, rf_faces** results);
/* How many there are. */
RETINAFACE_API size_t rf_faces_count(const rf_faces* faces);
/* The first of rf_faces_count() faces in a row, valid as long as faces; NULL when there are none.
 */
RETINAFACE_API const rf_face* rf_faces_data(const rf_faces* faces);
/* The values that the model's heads beyond those of score, box and landmarks give face i: *count of
 * them, valid as long as faces; none (NULL) for the models of this library. */
RETINAFACE_API const float* rf_faces_values(const rf_faces* faces, size_t i, size_t* count);
/* Face i's mesh: *count vertices and as many colors, valid as long as faces; none (NULL) unless
 * rf_detect_options_set_mesh() asked for it. */
RETINAFACE_API const rf_mesh_vertex* rf_faces_mesh_vertices(const rf_faces* faces, size_t i,
                                                            size_t* count);
RETINAFACE_API const rf_mesh_color* rf_faces_mesh_colors(const rf_faces* faces, size_t i,
                                                         size_t* count);
/* Face i's pose by its mesh, degrees; RF_INVALID_ARGUMENT where it has none. */
RETINAFACE_API rf_status rf_faces_pose(const rf_faces* faces, size_t i, rf_pose* pose);
/* The quality of face i, which was found in the image; its pose is the mesh's where it has one,
 * else that of its five points. */
RETINAFACE_API rf_status rf_faces_quality(const rf_faces* faces, size_t i,
                                          const rf_image_view* image, rf_face_quality* quality);
/* How a head with these five landmarks is turned, degrees, by a mean head (head_pose in
 * face_quality.h); RF_INVALID_ARGUMENT for points that are no numbers or all in one place. */
RETINAFACE_API rf_status rf_head_pose(const rf_point* landmarks, rf_pose* pose);
/* Writes 68 points of face i's mesh, in pixels, to points, which has room for as many: the jaw's
 * outline from left to right as seen in the image, brows, nose, eyes, mouth (Multi-PIE).
 * RF_INVALID_ARGUMENT where it has no mesh. */
RETINAFACE_API rf_status rf_faces_landmarks_68(const rf_faces* faces, size_t i, rf_point* points);
/* The triangles of every mesh: *count times three vertices, counter-clockwise where the viewer sees
 * the outside. Valid for ever. */
RETINAFACE_API const uint16_t* rf_mesh_triangles(size_t* count);
RETINAFACE_API void rf_faces_free(rf_faces* faces);

/* ---- What is known of models, without running them ---- */

typedef enum {
  RF_WEIGHTS_NONE = 0, /* nowhere: they have to be made */
  RF_WEIGHTS_BUILT_IN = 1,
  RF_WEIGHTS_FILE = 2,
  RF_WEIGHTS_MEMORY = 3
} rf_weights_origin;

/* All models that the library knows; multiply-adds for images of width x height pixels, each 1 to
 * 65536. */
RETINAFACE_API rf_status rf_models_known(int32_t width, int32_t height, rf_models** result);
/* The one that a detector has loaded, as a list of one. */
RETINAFACE_API rf_status rf_models_of_detector(const rf_detector* detector, int32_t width,
                                               int32_t height, rf_models** result);
/* The one that a recogniser has loaded, as a list of one; multiply-adds for one aligned face, of
 * which an embedding takes two. */
RETINAFACE_API rf_status rf_models_of_recognizer(const rf_recognizer* recognizer,
                                                 rf_models** result);
/* How many there are. */
RETINAFACE_API size_t rf_models_count(const rf_models* models);
/* Of the ith of them; what they return is valid as long as models. Beyond the last one: "", NULL
 * or 0. */
RETINAFACE_API const char* rf_models_name(const rf_models* models, size_t i);
RETINAFACE_API const char* rf_models_summary(const rf_models* models, size_t i); /* one line */
RETINAFACE_API rf_weights_origin rf_models_weights_origin(const rf_models* models, size_t i);
/* The file's path, or the name that was given for bytes; else "". */
RETINAFACE_API const char* rf_models_weights_source(const rf_models* models, size_t i);
RETINAFACE_API int64_t rf_models_parameters(const rf_models* models, size_t i);
/* 0 where the model takes no image of the size that was asked for. */
RETINAFACE_API int64_t rf_models_multiply_adds(const rf_models* models, size_t i);
/* *count strides in pixels, of the levels of its anchors, finest first; none of a recogniser. */
RETINAFACE_API const int32_t* rf_models_strides(const rf_models* models, size_t i, size_t* count);
RETINAFACE_API void rf_models_free(rf_models* models);

/* ---- Recognition ---- */

/* model: path of a .safetensors file that `retinaface import` has made of a recogniser, or name of
 * a model, as for Recognizer (recognizer.h). RF_UNSUPPORTED for a model that is a detector. */
RETINAFACE_API rf_status rf_recognizer_new(const char* model, rf_recognizer** result);
/* Of the `size` bytes of such a file. name stands in for the path in messages; NULL for "model". */
RETINAFACE_API rf_status rf_recognizer_from_memory(const void* bytes, size_t size, const char* name,
                                                   rf_recognizer** result);
/* The same two, with the network run as runtime says (NULL: in float32, by the best backend). What
 * other types cost was measured on detectors alone. */
RETINAFACE_API rf_status rf_recognizer_new_with(const char* model,
                                                const rf_runtime_options* runtime,
                                                rf_recognizer** result);
RETINAFACE_API rf_status rf_recognizer_from_memory_with(const void* bytes, size_t size,
                                                        const char* name,
                                                        const rf_runtime_options* runtime,
                                                        rf_recognizer** result);
/* How many values an embedding has; 0 for NULL. */
RETINAFACE_API size_t rf_recognizer_embedding_size(const rf_recognizer* recognizer);
/* Writes the vector, of length 1, of the face with these five landmarks, in pixels of image, to
 * values, which has room for as many as an embedding has. RF_INVALID_ARGUMENT for points that are
 * no numbers or all in one place. */
RETINAFACE_API rf_status rf_recognizer_embed(const rf_recognizer* recognizer,
                                             const rf_image_view* image, const rf_point* landmarks,
                                             float* values);
/* The same for each of count faces, in their order, worked on by up to `threads` threads at once
 * (0: one for each core). values has room for the vectors of all of them, one behind the other; on
 * failure it stays as it is, and the message names the face, "faces[4]: ...". */
RETINAFACE_API rf_status rf_recognizer_embed_batch(const rf_recognizer* recognizer,
                                                   const rf_face_in_image* faces, size_t count,
                                                   int32_t threads, float* values);
/* How alike two faces are by their embeddings of `size` values: the cosine of the angle between
 * them, -1 to 1. RF_INVALID_ARGUMENT where one is all zeros. */
RETINAFACE_API rf_status rf_similarity(const float* a, const float* b, size_t size, float* result);
RETINAFACE_API void rf_recognizer_free(rf_recognizer* recognizer);

/* ---- Images ---- */

RETINAFACE_API rf_status rf_read_options_new(rf_read_options** result);
RETINAFACE_API void rf_read_options_free(rf_read_options* options);
/* 0: leave images as they are stored; else turn them upright as EXIF says, the default. */
RETINAFACE_API rf_status rf_read_options_set_apply_orientation(rf_read_options* options,
                                                               int32_t applies);
/* Refuse images of more pixels before decoding them, RF_TOO_LARGE; 1 or more, 400 million by
 * default. */
RETINAFACE_API rf_status rf_read_options_set_max_pixels(rf_read_options* options, int64_t pixels);
/* What shows through where images are transparent, 0xRRGGBB; white, 0xFFFFFF, by default. */
RETINAFACE_API rf_status rf_read_options_set_background(rf_read_options* options, uint32_t rgb);
/* Other than 0: refuse JPEGs that lack only their end, which are else gray from there on. */
RETINAFACE_API rf_status rf_read_options_set_strict(rf_read_options* options, int32_t is_strict);
/* Is told what was read around, such an end or a color profile that cannot be used: one line that
 * starts with the path and is valid during the call. */
typedef void (*rf_warn_function)(const char* line, void* context);
/* warn is called, with context, by the thread that reads, whenever an image is read with these
 * options; NULL, the default: nobody is told. */
RETINAFACE_API rf_status rf_read_options_set_warn(rf_read_options* options, rf_warn_function warn,
                                                  void* context);

/* Decodes an image file of any format that the library reads (read_image in image.h), to RGB, and
 * turns it upright. RF_NOT_FOUND, RF_UNREADABLE, RF_BAD_DATA (truncated or corrupt), RF_UNSUPPORTED
 * (no such format or variant) or RF_TOO_LARGE, with the path. */
RETINAFACE_API rf_status rf_image_read(const char* path, rf_image** result);
RETINAFACE_API rf_status rf_image_read_with(const char* path, const rf_read_options* options,
                                            rf_image** result);
/* The same for the `size` bytes of such a file. name stands in for the path in messages; NULL for
 * "image". */
RETINAFACE_API rf_status rf_image_decode(const void* bytes, size_t size, const char* name,
                                         const rf_read_options* options, rf_image** result);
/* A copy of the caller's pixels, as RGB. */
RETINAFACE_API rf_status rf_image_copy(const rf_image_view* image, rf_image** result);
/* The image's pixels, RGB, valid as long as image; a view of nothing for NULL. */
RETINAFACE_API rf_image_view rf_image_get_view(const rf_image* image);
/* Writes an image; the format follows the extension: .jpg or .jpeg (quality 92), .png or .webp;
 * RF_UNSUPPORTED for another one, or for a side that the format cannot hold. The file is replaced
 * as a whole or not at all: RF_UNWRITABLE. */
RETINAFACE_API rf_status rf_image_write(const char* path, const rf_image_view* image);
/* Not 0 where rf_image_write() knows the extension of path. */
RETINAFACE_API int32_t rf_image_can_write(const char* path);
RETINAFACE_API void rf_image_free(rf_image* image);

/* The face turned, scaled and moved so that its five landmarks, in pixels of image, come closest to
 * where recognisers expect them (alignment.h): 112 x 112 pixels, RGB, black where the image ends.
 * RF_INVALID_ARGUMENT for points that are no numbers or all in one place. */
RETINAFACE_API rf_status rf_align_face(const rf_image_view* image, const rf_point* landmarks,
                                       rf_image** result);
/* The same to side_px x side_px pixels, 32 to 2048; at another side than 112 with a margin of an
 * eighth of it all around, for what wants hair and chin in the image too. */
RETINAFACE_API rf_status rf_align_face_to(const rf_image_view* image, const rf_point* landmarks,
                                          int32_t side_px, rf_image** result);
/* Makes count faces of the image unrecognisable, each in the ellipse around its box, 1.6 times as
 * wide and as high; only boxes count, in pixels of the image. */
RETINAFACE_API rf_status rf_blur_faces(rf_image* image, const rf_face* faces, size_t count);
/* The same with all faces that the detector finds in the image, those of a second pass at
 * twice the size included, and what it finds again in the result by larger boxes, as
 * blur_found_faces does (blur.h). hidden may be NULL; else *hidden is what was hidden, to be freed
 * with rf_faces_free(). On failure nothing is hidden. */
RETINAFACE_API rf_status rf_blur_found_faces(const rf_detector* detector, rf_image* image,
                                             const rf_detect_options* options, rf_faces** hidden);

/* ---- Videos ---- */

RETINAFACE_API rf_status rf_video_options_new(rf_video_options** result);
RETINAFACE_API void rf_video_options_free(rf_video_options* options);
/* Refuse videos of more pixels a frame, RF_TOO_LARGE; 1 or more, 400 million by default. */
RETINAFACE_API rf_status rf_video_options_set_max_pixels(rf_video_options* options, int64_t pixels);
/* What shows through where frames are transparent, 0xRRGGBB; white, 0xFFFFFF, by default. */
RETINAFACE_API rf_status rf_video_options_set_background(rf_video_options* options, uint32_t rgb);

/* source: a video's file, a camera ("/dev/video0") or the address of a stream ("rtsp://..."), as
 * for VideoReader (video.h). FFmpeg's libraries are loaded when the first one is met. RF_NOT_FOUND,
 * RF_UNREADABLE, RF_BAD_DATA (no video, or none with images), RF_TOO_LARGE, or RF_UNSUPPORTED (no
 * such codec, or the libraries are not installed). */
RETINAFACE_API rf_status rf_video_open(const char* source, const rf_video_options* options,
                                       rf_video** result);
/* Goes to the next frame: *has_frame is 1, *number counts the frames from 0, *time_s are its
 * seconds since the first frame, which never go back; at the video's end *has_frame is 0. number
 * and time_s may be NULL. What cannot be decoded is left out, see rf_video_damage(). */
RETINAFACE_API rf_status rf_video_next(rf_video* video, int32_t* has_frame, int64_t* number,
                                       double* time_s);
/* The frame that rf_video_next() went to, RGB, as an image of its own that outlives the video.
 * RF_INVALID_ARGUMENT where there is no frame. */
RETINAFACE_API rf_status rf_video_image(rf_video* video, rf_image** result);
/* What was lost so far, as one line, valid until the next call with this video; "" if nothing. */
RETINAFACE_API const char* rf_video_damage(const rf_video* video);
/* How many frames are missing, as far as it can be told (VideoReader::missing_frames). */
RETINAFACE_API int64_t rf_video_missing_frames(const rf_video* video);
/* As the video says or as guessed from its beginning; 0 if unknown. */
RETINAFACE_API double rf_video_frames_per_s(const rf_video* video);
/* About how many frames it has; 0 if unknown. */
RETINAFACE_API int64_t rf_video_expected_frames(const rf_video* video);
/* Width of a pixel by its height, in the frame as shown. */
RETINAFACE_API double rf_video_pixel_aspect(const rf_video* video);
/* The video ends at the next frame, even while a camera is waited for. From any thread. */
RETINAFACE_API void rf_video_stop(rf_video* video);
RETINAFACE_API void rf_video_free(rf_video* video);

RETINAFACE_API rf_status rf_tracker_options_new(rf_tracker_options** result);
RETINAFACE_API void rf_tracker_options_free(rf_tracker_options* options);
/* Faces from this score on begin tracks, fainter ones only carry them on; 0 to 1, 0.6 by default.
 */
RETINAFACE_API rf_status rf_tracker_options_set_min_score(rf_tracker_options* options, float score);
/* A face that was not seen for longer, and for more than three frames, is new; 0 or more, 1 by
 * default. */
RETINAFACE_API rf_status rf_tracker_options_set_max_absence(rf_tracker_options* options,
                                                            double seconds);

/* Follows faces through the frames of one video, as Tracker does (tracker.h). */
RETINAFACE_API rf_status rf_tracker_new(const rf_tracker_options* options, rf_tracker** result);
/* Writes the number of each face's track to tracks, which has room for count: from 1 on and never
 * given twice, 0 for a faint face that carries on none. faces are one frame's, of which boxes and
 * scores count; time_s is the frame's time in seconds: one that is not after the last one counts as
 * the same. RF_INVALID_ARGUMENT for boxes or scores that are no finite numbers. */
RETINAFACE_API rf_status rf_tracker_update(rf_tracker* tracker, const rf_face* faces, size_t count,
                                           double time_s, int64_t* tracks);
/* Takes over a frame of which the tracks are known, to go on where an earlier run has stopped: as
 * many tracks as faces, as rf_tracker_update() wrote them. Numbers given from now on are above
 * highest. */
RETINAFACE_API rf_status rf_tracker_resume(rf_tracker* tracker, const rf_face* faces, size_t count,
                                           const int64_t* tracks, double time_s, int64_t highest);
RETINAFACE_API void rf_tracker_free(rf_tracker* tracker);

#ifdef __cplusplus
}
#endif
