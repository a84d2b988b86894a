# The Debian package: program, library, headers, models, manual, completions. `make deb` builds it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME retinaface)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The RetinaFace authors <noreply@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Finds faces and their five points in images and videos")
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded or started when met.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libheif1, libavformat59, libswscale6, gnuplot-nox")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libavdevice59")  # cameras
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
include(CPack)
