_base_ = ['tiny.py']
custom_imports = dict(imports=['own_logger'])
log_config = dict(interval=1, hooks=[dict(type='CsvLogger', only='val/')])
