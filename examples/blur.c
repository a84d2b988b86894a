/* Writes an image with its faces made unrecognisable: blur IMAGE RESULT.png */
#include <retinaface/c.h>
#include <stdio.h>

int main(int argc, char** argv) {
  rf_image* image = NULL;
  rf_detector* detector = NULL;
  rf_status status;
  if (argc != 3) return 2;
  if ((status = rf_image_read(argv[1], &image)) == RF_OK &&
      (status = rf_detector_new(NULL, &detector)) == RF_OK) {
    const rf_image_view view = rf_image_get_view(image);
    if ((status = rf_blur_found_faces(detector, image, NULL, NULL)) == RF_OK) {
      status = rf_image_write(argv[2], &view);
    }
  }
  if (status != RF_OK) fprintf(stderr, "%s\n", rf_last_error());
  rf_detector_free(detector);
  rf_image_free(image);
  return status != RF_OK;
}
