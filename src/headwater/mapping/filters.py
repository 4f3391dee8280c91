def compile_filters(patterns):
    return lambda raw: True
