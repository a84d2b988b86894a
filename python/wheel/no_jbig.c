/* What libtiff asks of libjbig, refused. The wheel carries this in the place of libjbig, which is
   under the GPL: a TIFF compressed by JBIG gives one error, all others decode. */
#include <stddef.h>

enum { kRefused = 1 };

int jbg_newlen(unsigned char* data, size_t size) {
  (void)data;
  (void)size;
  return 0;
}
void jbg_dec_init(void* state) {
  (void)state;
}
int jbg_dec_in(void* state, unsigned char* data, size_t size, size_t* used) {
  (void)state;
  (void)data;
  (void)size;
  if (used != NULL) *used = 0;
  return kRefused;
}
long jbg_dec_getsize(const void* state) {
  (void)state;
  return 0;
}
unsigned char* jbg_dec_getimage(const void* state, int plane) {
  (void)state;
  (void)plane;
  return NULL;
}
void jbg_dec_free(void* state) {
  (void)state;
}
const char* jbg_strerror(int error) {
  (void)error;
  return "JBIG is not part of this build";
}
/* Nothing here writes TIFF; libtiff refers to these all the same. */
void jbg_enc_init(void* state, unsigned long width, unsigned long height, int planes,
                  unsigned char** bitmaps, void (*out)(unsigned char*, size_t, void*), void* file) {
  (void)state;
  (void)width;
  (void)height;
  (void)planes;
  (void)bitmaps;
  (void)out;
  (void)file;
}
void jbg_enc_out(void* state) {
  (void)state;
}
void jbg_enc_free(void* state) {
  (void)state;
}
