# What `cmake --install` puts where, and what CPack makes of it. There is no library to install: what
# others build against is the guest's header, sojourn.h.
include(GNUInstallDirs)

install(TARGETS vm vm-spectest RUNTIME)
install(TARGETS sojourn-seal LIBRARY DESTINATION libexec/sojourn)  # base/companion_file.hpp
if(TARGET vm-symbolize)
  install(TARGETS vm-symbolize RUNTIME DESTINATION libexec/sojourn)
endif()
if(TARGET sojourn-jit)
  install(TARGETS sojourn-jit LIBRARY DESTINATION libexec/sojourn)  # vm/engine.cpp
endif()
install(FILES samples/include/sojourn.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY samples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/sojourn/samples
        FILES_MATCHING PATTERN "README.md" PATTERN "*.wasm" PATTERN "*.c" PATTERN "*.cpp" PATTERN "*.rs")

# The vm itself knows its verbs and options: manual pages and completion come from it.
set(shared ${PROJECT_BINARY_DIR}/share)
set(completions bash:bash-completion/completions/vm zsh:zsh/site-functions/_vm
                fish:fish/vendor_completions.d/vm.fish)
set(completion_commands)
foreach(completion ${completions})
  string(REGEX MATCH "^([a-z]+):(.*)/([^/]+)$" matched ${completion})
  list(APPEND completion_commands
       COMMAND ${CMAKE_COMMAND} -E make_directory ${shared}/${CMAKE_MATCH_2}
       COMMAND vm completion ${CMAKE_MATCH_1} > ${shared}/${CMAKE_MATCH_2}/${CMAKE_MATCH_3})
endforeach()
add_custom_command(
  OUTPUT ${shared}/made
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${shared}
  COMMAND vm help --man-pages ${shared}/man/man1
  ${completion_commands}
  COMMAND ${CMAKE_COMMAND} -E touch ${shared}/made
  DEPENDS vm
  COMMENT "Writing manual pages and completion")
add_custom_target(shared_files ALL DEPENDS ${shared}/made)
install(DIRECTORY ${shared}/ DESTINATION ${CMAKE_INSTALL_DATADIR} PATTERN made EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sojourn)
set(CPACK_PACKAGE_CONTACT "The authors of Sojourn <sojourn@localhost>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS bash-completion)
include(CPack)
