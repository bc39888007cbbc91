// The package table, as data: what is loaded and where modules are looked for. `require` is the host's.

#include "bridge.h"

void lb_open_package_library(lua_State *L) {
    lua_createtable(L, 0, 6);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, LUA_LOADLIBNAME);
    lua_setfield(L, -2, "loaded");
    lua_createtable(L, 0, 0);
    lua_setfield(L, -2, "preload");
    lua_pushliteral(L, "/\n;\n?\n!\n-\n");
    lua_setfield(L, -2, "config");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "path");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_setglobal(L, LUA_LOADLIBNAME);
}
