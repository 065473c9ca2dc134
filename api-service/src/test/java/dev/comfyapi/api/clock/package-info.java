@org.jspecify.annotations.NullMarked
package dev.comfyapi.api.clock;
