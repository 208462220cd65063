# What a board here does in upstream's place: upstream's own is there as upstream_NAME.
upstream = $(foreach name,$(1),-D$(name)=upstream_$(name))
$(BUILD)/mphalport.o: private CFLAGS += $(call upstream,mp_hal_get_random \
	mp_hal_ticks_ms mp_hal_ticks_us mp_hal_ticks_cpu mp_hal_delay_ms mp_hal_delay_us)
