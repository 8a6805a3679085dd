# SPDX-License-Identifier: BSL-1.0
# What `cmake --install` puts where; meson.build installs the same files from the same templates.
install(TARGETS ferry ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
                      RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/ferry DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")

# The templates in packaging/ are filled in by both builds, so the package does not depend on which one
# made it. Paths inside are relative to the package: an installed tree can be moved.
# A shared library brings what it needs itself; who links a static one needs that too, asked for with --static or without.
if(BUILD_SHARED_LIBS)
  set(library_kind SHARED)
  set(library_file libferry.so.${PROJECT_VERSION})
  set(requires_crypto Requires.private)
else()
  set(library_kind STATIC)
  set(library_file libferry.a)
  set(requires_crypto Requires)
endif()
set(version ${PROJECT_VERSION})
set(description ${PROJECT_DESCRIPTION})
set(includedir ${CMAKE_INSTALL_INCLUDEDIR})
set(libdir ${CMAKE_INSTALL_LIBDIR})
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ferry)
file(RELATIVE_PATH package_to_prefix /${package_dir} /)
file(RELATIVE_PATH pkgconfig_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" package_to_prefix ${package_to_prefix})
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix ${pkgconfig_to_prefix})

foreach(file ferryConfig.cmake ferryConfigVersion.cmake ferry.pc)
  configure_file(packaging/${file}.in ${PROJECT_BINARY_DIR}/packaging/${file} @ONLY)
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/packaging/ferryConfig.cmake
              ${PROJECT_BINARY_DIR}/packaging/ferryConfigVersion.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/packaging/ferry.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
