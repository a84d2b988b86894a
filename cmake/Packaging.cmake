# The Debian packages: retinaface has program, library, headers, models, manual, completions;
# retinaface-server the unit that runs `retinaface serve`. `make deb` builds them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME retinaface)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The RetinaFace authors <noreply@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Finds faces and their five points in images and videos")
set(CPACK_DEBIAN_RETINAFACE_DESCRIPTION
    "Boxes, eyes, nose and corners of the mouth of all faces, from crowd-tiny
to close-up, by a RetinaFace network that is inside; meshes, poses and
tracks on request. This package has the command, the library for C++ and C
with its headers, manual, completions and examples.")
set(CPACK_DEBIAN_RETINAFACE_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
# Loaded or started when met.
set(CPACK_DEBIAN_RETINAFACE_PACKAGE_RECOMMENDS
    "libheif1, libavformat59, libswscale6, libjxl0.7, libopenjp2-7, liblcms2-2, gnuplot-nox")
set(CPACK_DEBIAN_RETINAFACE_PACKAGE_SUGGESTS "libavdevice59")  # cameras
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/package)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL retinaface)
set(CPACK_DEBIAN_RETINAFACE_PACKAGE_NAME retinaface)
if(CMAKE_CROSSCOMPILING)  # dpkg-shlibdeps knows this machine's packages alone: cmake/package_arm64.sh
  set(CPACK_DEBIAN_RETINAFACE_PACKAGE_SHLIBDEPS OFF)
  set(CPACK_DEBIAN_RETINAFACE_PACKAGE_DEPENDS "${RETINAFACE_PACKAGE_DEPENDS}")
  set(CPACK_DEBIAN_RETINAFACE_PACKAGE_ARCHITECTURE arm64)
else()
  set(CPACK_DEBIAN_RETINAFACE_PACKAGE_SHLIBDEPS ON)
endif()
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
# What Debian's policy wants beyond an installation's files: a changelog, compressed manuals.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian/files.cmake)
if(RETINAFACE_PROGRAM)
  list(APPEND CPACK_COMPONENTS_ALL server)
  set(CPACK_DEBIAN_SERVER_PACKAGE_NAME retinaface-server)
  set(CPACK_DEBIAN_SERVER_DESCRIPTION
      "The unit of systemd that runs retinaface serve, which finds faces in
images that are sent by HTTP, as a user of its own without rights. It
listens on this machine alone unless told otherwise.")
  set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
  set(CPACK_DEBIAN_SERVER_PACKAGE_ARCHITECTURE all)
  set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "retinaface (= ${PROJECT_VERSION})")
  set(scripts ${PROJECT_SOURCE_DIR}/cmake/systemd)
  set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA "${scripts}/postinst;${scripts}/prerm;${scripts}/postrm")
endif()
include(CPack)
