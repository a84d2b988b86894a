# What `cmake --install` puts where; included by src/CMakeLists.txt.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME retinaface)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/retinaface)

# The libraries: headers, the packages of CMake and pkg-config, models.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/retinaface TYPE INCLUDE)
install(TARGETS retinaface_library EXPORT retinaface_targets)
install(EXPORT retinaface_targets FILE retinaface-targets.cmake NAMESPACE retinaface::
        DESTINATION ${package_folder})
if(RETINAFACE_STATIC_LIBRARY)
  install(TARGETS retinaface_static EXPORT retinaface_static_targets)
  install(EXPORT retinaface_static_targets FILE retinaface-static-targets.cmake
          NAMESPACE retinaface:: DESTINATION ${package_folder})
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/retinaface-config.cmake.in
               ${PROJECT_BINARY_DIR}/retinaface-config.cmake COPYONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/retinaface-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/retinaface-config.cmake
              ${PROJECT_BINARY_DIR}/retinaface-config-version.cmake DESTINATION ${package_folder})
# Relative to the file itself: the tree may be installed with another prefix, or moved.
file(RELATIVE_PATH prefix_from_pkgconfig /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/retinaface.pc.in ${PROJECT_BINARY_DIR}/retinaface.pc
               @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/retinaface.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(GLOB model_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/weights/*.safetensors)
install(FILES ${model_files} DESTINATION ${model_folder})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples TYPE DOC)
# Our licence and that of the face model that the library's meshes are made of, which asks for it.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE own_licence)
file(READ ${PROJECT_SOURCE_DIR}/src/mesh/topology.md mesh_licence)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/copyright
     CONTENT "@own_licence@\n\n@mesh_licence@" @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/copyright TYPE DOC)

if(NOT RETINAFACE_PROGRAM)
  return()
endif()
install(TARGETS retinaface_program)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/doc/ TYPE DOC)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md TYPE DOC)
if(RETINAFACE_WITH_TRAINING)
  install(TARGETS retinaface_train_program)
  # Beside the models: training/recipe.h finds them there.
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/retinaface)
endif()
# What the program says of itself, for man and the shells.
set(manual ${PROJECT_BINARY_DIR}/manual)
add_custom_command(
  OUTPUT ${manual}/retinaface.1 ${manual}/retinaface.bash ${manual}/_retinaface
  COMMAND ${CMAKE_COMMAND} -E make_directory ${manual}
  COMMAND retinaface_program man-page > ${manual}/retinaface.1
  COMMAND retinaface_program completion bash > ${manual}/retinaface.bash
  COMMAND retinaface_program completion zsh > ${manual}/_retinaface
  DEPENDS retinaface_program VERBATIM)
add_custom_target(retinaface_manual ALL DEPENDS ${manual}/retinaface.1)
install(FILES ${manual}/retinaface.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${manual}/retinaface.bash RENAME retinaface
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${manual}/_retinaface DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
# The service's unit, for its Debian package alone: it names /usr/bin/retinaface.
install(FILES ${PROJECT_SOURCE_DIR}/cmake/systemd/retinaface.service
        DESTINATION lib/systemd/system COMPONENT server EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/retinaface-server COMPONENT server
        EXCLUDE_FROM_ALL)
