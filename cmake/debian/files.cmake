# Run by CPack on what it is about to pack, for each package (Packaging.cmake).
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component})
  string(TOUPPER ${component} upper)
  set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
  set(changelog ${root}/usr/share/doc/${package}/changelog)
  file(WRITE ${changelog}
"${package} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * CHANGELOG.md of the package retinaface says what is there.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
  file(GLOB manuals ${root}/usr/share/man/man*/*.[0-9])
  execute_process(COMMAND gzip -9nf ${changelog} ${manuals} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
