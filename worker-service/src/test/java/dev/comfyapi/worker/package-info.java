@NullMarked
package dev.comfyapi.worker;

import org.jspecify.annotations.NullMarked;
