/* Prints the faces of an image: detect IMAGE */
#include <retinaface/c.h>
#include <stdio.h>

int main(int argc, char** argv) {
  rf_image* image = NULL;
  rf_detector* detector = NULL;
  rf_faces* faces = NULL;
  if (argc != 2) return 2;
  if (rf_image_read(argv[1], &image) == RF_OK && rf_detector_new(NULL, &detector) == RF_OK) {
    const rf_image_view view = rf_image_get_view(image);
    rf_detect(detector, &view, NULL, &faces);
  }
  for (size_t i = 0; i < rf_faces_count(faces); ++i) {
    const rf_face* face = rf_faces_data(faces) + i;
    printf("%.3f at (%.1f, %.1f), %.1f x %.1f\n", face->score, face->x0, face->y0,
           face->x1 - face->x0, face->y1 - face->y0);
  }
  if (faces == NULL) fprintf(stderr, "%s\n", rf_last_error());
  const int failed = faces == NULL;
  rf_faces_free(faces);
  rf_detector_free(detector);
  rf_image_free(image);
  return failed;
}
