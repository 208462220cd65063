# In the place of ESP-IDF's: what upstream's CMakeLists.txt has found by then.
file(READ ${SDKCONFIG_DEFAULTS} sdkconfig)
if(NOT IDF_TARGET)
    set(IDF_TARGET esp32)
endif()
file(WRITE ${CMAKE_BINARY_DIR}/sdkconfig "${sdkconfig}\nCONFIG_IDF_TARGET=\"${IDF_TARGET}\"\n")
foreach(name
    IDF_TARGET USER_C_MODULES MICROPY_BOARD MICROPY_BOARD_VARIANT MICROPY_DEF_BOARD
    MICROPY_FROZEN_MANIFEST MICROPY_MANIFEST_UPSTREAM MICROPY_SOURCE_BOARD
)
    file(APPEND ${CMAKE_BINARY_DIR}/found "${name} ${${name}}\n")
endforeach()
file(APPEND ${CMAKE_BINARY_DIR}/found "COMPONENT_MANAGER $ENV{IDF_COMPONENT_MANAGER}\n")
macro(idf_build_set_property)
endmacro()
macro(project)
endmacro()
