/// The documents that describe the API, and everything that tests hear of it held against them.
@NullMarked
package dev.comfyapi.api.contract;

import org.jspecify.annotations.NullMarked;
